#ifdef _WIN32
#endif
typedef int improv_not_windows;
