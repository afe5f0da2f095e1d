//! The commands emulated here: their numbers, their names, and which controllers
//! support them.
//!
//! One table serves the decoder, the log and the Supported Commands mask that
//! tells the kernel what it may send (§6.27).

use std::fmt;

/// A command's number: six bits of group, ten bits of command within it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opcode(u16);

/// Octets in the Supported Commands mask.
pub const SUPPORTED_COMMANDS_LEN: usize = 64;

/// Which controllers support a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Every controller emulated here.
    All,
    /// Those that speak BR/EDR beside LE.
    DualMode,
    /// Those with LE extended advertising.
    Extended,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Supported {
    /// The command.
    pub opcode: Opcode,
    /// Its name in the specification, without the `HCI_` in front.
    pub name: &'static str,
    /// Octet and bit in the Supported Commands mask.
    pub mask: (usize, u32),
    /// Who supports it.
    pub of: Of,
}

macro_rules! commands {
    ($($constant:ident = $group:literal | $command:literal, $name:literal, ($octet:literal, $bit:literal), $of:ident;)+) => {
        impl Opcode {
            $(#[doc = $name] pub const $constant: Self = Self::new($group, $command);)+
        }

        /// Every command some controller here supports.
        pub const COMMANDS: &[Supported] = &[$(Supported {
            opcode: Opcode::$constant,
            name: $name,
            mask: ($octet, $bit),
            of: Of::$of,
        }),+];
    };
}

commands! {
    INQUIRY                        = 0x01 | 0x001, "Inquiry", (0, 0), DualMode;
    INQUIRY_CANCEL                 = 0x01 | 0x002, "Inquiry_Cancel", (0, 1), DualMode;
    PERIODIC_INQUIRY_MODE          = 0x01 | 0x003, "Periodic_Inquiry_Mode", (0, 2), DualMode;
    EXIT_PERIODIC_INQUIRY_MODE     = 0x01 | 0x004, "Exit_Periodic_Inquiry_Mode", (0, 3), DualMode;
    WRITE_DEFAULT_LINK_POLICY      = 0x02 | 0x00F, "Write_Default_Link_Policy_Settings", (5, 4), DualMode;

    SET_EVENT_MASK                 = 0x03 | 0x001, "Set_Event_Mask", (5, 6), All;
    RESET                          = 0x03 | 0x003, "Reset", (5, 7), All;
    SET_EVENT_FILTER               = 0x03 | 0x005, "Set_Event_Filter", (6, 0), DualMode;
    WRITE_LOCAL_NAME               = 0x03 | 0x013, "Write_Local_Name", (7, 0), DualMode;
    READ_LOCAL_NAME                = 0x03 | 0x014, "Read_Local_Name", (7, 1), DualMode;
    WRITE_CONNECTION_ACCEPT_TIMEOUT = 0x03 | 0x016, "Write_Connection_Accept_Timeout", (7, 3), DualMode;
    WRITE_SCAN_ENABLE              = 0x03 | 0x01A, "Write_Scan_Enable", (7, 7), DualMode;
    READ_PAGE_SCAN_ACTIVITY        = 0x03 | 0x01B, "Read_Page_Scan_Activity", (8, 0), DualMode;
    WRITE_PAGE_SCAN_ACTIVITY       = 0x03 | 0x01C, "Write_Page_Scan_Activity", (8, 1), DualMode;
    WRITE_AUTHENTICATION_ENABLE    = 0x03 | 0x020, "Write_Authentication_Enable", (8, 5), DualMode;
    READ_CLASS_OF_DEVICE           = 0x03 | 0x023, "Read_Class_Of_Device", (9, 0), DualMode;
    WRITE_CLASS_OF_DEVICE          = 0x03 | 0x024, "Write_Class_Of_Device", (9, 1), DualMode;
    READ_VOICE_SETTING             = 0x03 | 0x025, "Read_Voice_Setting", (9, 2), DualMode;
    READ_NUMBER_OF_SUPPORTED_IAC   = 0x03 | 0x038, "Read_Number_Of_Supported_IAC", (11, 2), DualMode;
    READ_CURRENT_IAC_LAP           = 0x03 | 0x039, "Read_Current_IAC_LAP", (11, 3), DualMode;
    WRITE_CURRENT_IAC_LAP          = 0x03 | 0x03A, "Write_Current_IAC_LAP", (11, 4), DualMode;
    WRITE_INQUIRY_MODE             = 0x03 | 0x045, "Write_Inquiry_Mode", (12, 7), DualMode;
    READ_PAGE_SCAN_TYPE            = 0x03 | 0x046, "Read_Page_Scan_Type", (13, 0), DualMode;
    WRITE_PAGE_SCAN_TYPE           = 0x03 | 0x047, "Write_Page_Scan_Type", (13, 1), DualMode;
    WRITE_EXTENDED_INQUIRY_RESPONSE = 0x03 | 0x052, "Write_Extended_Inquiry_Response", (17, 1), DualMode;
    WRITE_SIMPLE_PAIRING_MODE      = 0x03 | 0x056, "Write_Simple_Pairing_Mode", (17, 6), DualMode;
    READ_INQUIRY_RESPONSE_TX_POWER = 0x03 | 0x058, "Read_Inquiry_Response_Transmit_Power_Level", (18, 0), DualMode;
    WRITE_LE_HOST_SUPPORT          = 0x03 | 0x06D, "Write_LE_Host_Support", (24, 6), DualMode;

    READ_LOCAL_VERSION             = 0x04 | 0x001, "Read_Local_Version_Information", (14, 3), All;
    READ_LOCAL_COMMANDS            = 0x04 | 0x002, "Read_Local_Supported_Commands", (14, 4), All;
    READ_LOCAL_FEATURES            = 0x04 | 0x003, "Read_Local_Supported_Features", (14, 5), All;
    READ_LOCAL_EXTENDED_FEATURES   = 0x04 | 0x004, "Read_Local_Extended_Features", (14, 6), DualMode;
    READ_BUFFER_SIZE               = 0x04 | 0x005, "Read_Buffer_Size", (14, 7), DualMode;
    READ_BD_ADDR                   = 0x04 | 0x009, "Read_BD_ADDR", (15, 1), All;

    LE_SET_EVENT_MASK              = 0x08 | 0x001, "LE_Set_Event_Mask", (25, 0), All;
    LE_READ_BUFFER_SIZE            = 0x08 | 0x002, "LE_Read_Buffer_Size", (25, 1), All;
    LE_READ_LOCAL_FEATURES         = 0x08 | 0x003, "LE_Read_Local_Supported_Features", (25, 2), All;
    LE_SET_RANDOM_ADDRESS          = 0x08 | 0x005, "LE_Set_Random_Address", (25, 4), All;
    LE_SET_ADVERTISING_PARAMETERS  = 0x08 | 0x006, "LE_Set_Advertising_Parameters", (25, 5), All;
    LE_READ_ADVERTISING_TX_POWER   = 0x08 | 0x007, "LE_Read_Advertising_Physical_Channel_Tx_Power", (25, 6), All;
    LE_SET_ADVERTISING_DATA        = 0x08 | 0x008, "LE_Set_Advertising_Data", (25, 7), All;
    LE_SET_SCAN_RESPONSE_DATA      = 0x08 | 0x009, "LE_Set_Scan_Response_Data", (26, 0), All;
    LE_SET_ADVERTISING_ENABLE      = 0x08 | 0x00A, "LE_Set_Advertising_Enable", (26, 1), All;
    LE_SET_SCAN_PARAMETERS         = 0x08 | 0x00B, "LE_Set_Scan_Parameters", (26, 2), All;
    LE_SET_SCAN_ENABLE             = 0x08 | 0x00C, "LE_Set_Scan_Enable", (26, 3), All;
    LE_READ_ACCEPT_LIST_SIZE       = 0x08 | 0x00F, "LE_Read_Filter_Accept_List_Size", (26, 6), All;
    LE_CLEAR_ACCEPT_LIST           = 0x08 | 0x010, "LE_Clear_Filter_Accept_List", (26, 7), All;
    LE_ADD_TO_ACCEPT_LIST          = 0x08 | 0x011, "LE_Add_Device_To_Filter_Accept_List", (27, 0), All;
    LE_REMOVE_FROM_ACCEPT_LIST     = 0x08 | 0x012, "LE_Remove_Device_From_Filter_Accept_List", (27, 1), All;
    LE_RAND                        = 0x08 | 0x018, "LE_Rand", (27, 7), All;
    LE_READ_SUPPORTED_STATES       = 0x08 | 0x01C, "LE_Read_Supported_States", (28, 3), All;

    LE_SET_ADVERTISING_SET_RANDOM_ADDRESS = 0x08 | 0x035, "LE_Set_Advertising_Set_Random_Address", (36, 1), Extended;
    LE_SET_EXTENDED_ADVERTISING_PARAMETERS = 0x08 | 0x036, "LE_Set_Extended_Advertising_Parameters", (36, 2), Extended;
    LE_SET_EXTENDED_ADVERTISING_DATA = 0x08 | 0x037, "LE_Set_Extended_Advertising_Data", (36, 3), Extended;
    LE_SET_EXTENDED_SCAN_RESPONSE_DATA = 0x08 | 0x038, "LE_Set_Extended_Scan_Response_Data", (36, 4), Extended;
    LE_SET_EXTENDED_ADVERTISING_ENABLE = 0x08 | 0x039, "LE_Set_Extended_Advertising_Enable", (36, 5), Extended;
    LE_READ_MAXIMUM_ADVERTISING_DATA_LENGTH = 0x08 | 0x03A, "LE_Read_Maximum_Advertising_Data_Length", (36, 6), Extended;
    LE_READ_NUMBER_OF_ADVERTISING_SETS = 0x08 | 0x03B, "LE_Read_Number_of_Supported_Advertising_Sets", (36, 7), Extended;
    LE_REMOVE_ADVERTISING_SET      = 0x08 | 0x03C, "LE_Remove_Advertising_Set", (37, 0), Extended;
    LE_CLEAR_ADVERTISING_SETS      = 0x08 | 0x03D, "LE_Clear_Advertising_Sets", (37, 1), Extended;
    LE_SET_EXTENDED_SCAN_PARAMETERS = 0x08 | 0x041, "LE_Set_Extended_Scan_Parameters", (37, 5), Extended;
    LE_SET_EXTENDED_SCAN_ENABLE    = 0x08 | 0x042, "LE_Set_Extended_Scan_Enable", (37, 6), Extended;
}

impl Opcode {
    /// The command `command` of `group` (OGF and OCF, §5.4.1).
    pub const fn new(group: u16, command: u16) -> Self {
        Self(group << 10 | command)
    }

    /// The command with this number, as HCI carries it.
    pub const fn from_number(number: u16) -> Self {
        Self(number)
    }

    /// Its number, as HCI carries it.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Its row in the table, unless no controller here supports it.
    pub fn supported(self) -> Option<&'static Supported> {
        COMMANDS.iter().find(|row| row.opcode == self)
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.supported() {
            Some(row) => f.write_str(row.name),
            None => write!(f, "0x{:04X}", self.0),
        }
    }
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The Supported Commands mask of a controller for which `supports` holds.
pub fn supported_commands(supports: impl Fn(Of) -> bool) -> [u8; SUPPORTED_COMMANDS_LEN] {
    let mut mask = [0; SUPPORTED_COMMANDS_LEN];
    for row in COMMANDS.iter().filter(|row| supports(row.of)) {
        let (octet, bit) = row.mask;
        mask[octet] |= 1 << bit;
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_group_and_command() {
        assert_eq!(Opcode::RESET.number(), 0x0C03);
        assert_eq!(Opcode::LE_SET_EXTENDED_SCAN_ENABLE.number(), 0x2042);
        assert_eq!(Opcode::RESET.to_string(), "Reset");
        assert_eq!(Opcode::from_number(0xFC01).to_string(), "0xFC01");
    }

    #[test]
    fn no_two_rows_share_a_number_or_a_bit() {
        for (i, a) in COMMANDS.iter().enumerate() {
            for b in &COMMANDS[i + 1..] {
                assert_ne!(a.opcode, b.opcode);
                assert_ne!(a.mask, b.mask, "{} and {}", a.name, b.name);
            }
            assert!(a.mask.0 < SUPPORTED_COMMANDS_LEN && a.mask.1 < 8);
        }
    }

    #[test]
    fn a_controller_announces_only_what_it_supports() {
        let plain = supported_commands(|of| of == Of::All);
        assert_eq!(plain[0], 0, "no inquiry without BR/EDR");
        assert_eq!(plain[5], 0xC0);
        assert_eq!(plain[36], 0);
        let extended = supported_commands(|of| of != Of::DualMode);
        assert_eq!(extended[37], 0x63);
    }
}
