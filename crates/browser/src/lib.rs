//! The pages in a real browser: tests alone. They are here because they need the routes of every function, and the functions
//! depend on none of each other.
