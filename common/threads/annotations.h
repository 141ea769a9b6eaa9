#pragma once

// What a mutex, or the loop, guards, in words that Clang checks (-Wthread-safety) and other
// compilers do not see. https://clang.llvm.org/docs/ThreadSafetyAnalysis.html says what each means.
#if defined(__clang__)
#define SPILLWAY_CHECKED(words) __attribute__((words))
#else
#define SPILLWAY_CHECKED(words)
#endif

// Marks data that only the lock's holder touches; PT_: what a pointer points to is such data.
#define GUARDED_BY(capability) SPILLWAY_CHECKED(guarded_by(capability))
#define PT_GUARDED_BY(capability) SPILLWAY_CHECKED(pt_guarded_by(capability))
// Marks functions whose caller holds the lock, or must not, for it is taken inside.
#define REQUIRES(capability) SPILLWAY_CHECKED(requires_capability(capability))
#define EXCLUDES(capability) SPILLWAY_CHECKED(locks_excluded(capability))
// Marks a mutex that, where both are held, was taken later than the other one.
#define ACQUIRED_AFTER(capability) SPILLWAY_CHECKED(acquired_after(capability))

// For what stands behind these words, in this folder and at the doors of the loop.
#define CAPABILITY(name) SPILLWAY_CHECKED(capability(name))
#define SCOPED_CAPABILITY SPILLWAY_CHECKED(scoped_lockable)
#define ACQUIRE(...) SPILLWAY_CHECKED(acquire_capability(__VA_ARGS__))
#define RELEASE(...) SPILLWAY_CHECKED(release_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) SPILLWAY_CHECKED(try_acquire_capability(__VA_ARGS__))
#define ASSERT_CAPABILITY(capability) SPILLWAY_CHECKED(assert_capability(capability))
#define NO_THREAD_SAFETY_ANALYSIS SPILLWAY_CHECKED(no_thread_safety_analysis)
