//! The part of the management system (管理システム) that issues and checks 処理番号.
