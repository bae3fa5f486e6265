/* CLAP comes here. */
typedef int improv_no_clap;
