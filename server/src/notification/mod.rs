//! The notification server (通知サーバー): takes the keys of people who register as
//! positive and hands them out, signed (protocol §8).
