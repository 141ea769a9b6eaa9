/* A shared library that exports nothing of interest. */
int unrelated(void);
int unrelated(void) { return 42; }
