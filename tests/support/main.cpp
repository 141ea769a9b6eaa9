#include <CppUTest/CommandLineTestRunner.h>
#include <CppUTest/MemoryLeakWarningPlugin.h>

#ifdef __SANITIZE_THREAD__
// libstdc++ counts the references to an exception atomically, in a library that is not
// instrumented: TSan does not see that the last to let go comes after everyone who read it.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
#endif

// CppUTest's leak detector counts with an unlocked table; pools allocate from many threads, and
// sanitizers bring leak detection of their own.
int main(int argc, char** argv) {
  MemoryLeakWarningPlugin::turnOffNewDeleteOverloads();
  return CommandLineTestRunner::RunAllTests(argc, argv);
}
