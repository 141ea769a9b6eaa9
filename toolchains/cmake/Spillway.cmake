# Options, the interface target that carries every flag, and the functions that declare targets.
include(CMakeDependentOption)
include(GNUInstallDirs)

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

option(SPILLWAY_AGENT "Build the agent, its command line, the updater and the library" ON)
option(SPILLWAY_CLOUD "Build the cloud, its command line and simulated fleets; needs Boost and prometheus-cpp" ${PROJECT_IS_TOP_LEVEL})
# Tests are of the whole: agent, cloud and what passes between them.
cmake_dependent_option(SPILLWAY_TESTS "Build the tests and the demo; needs CppUTest" ${PROJECT_IS_TOP_LEVEL}
  "SPILLWAY_AGENT;SPILLWAY_CLOUD" OFF)
cmake_dependent_option(SPILLWAY_BENCH "Build the benches; needs the peers that are linked, oneTBB and OpenMP" ${PROJECT_IS_TOP_LEVEL}
  SPILLWAY_TESTS OFF)
# What one compiler warns of, another does not: it is for those who work on the tree, not for those who package it.
option(SPILLWAY_WERROR "Let a warning end the build; the presets do" OFF)
option(SPILLWAY_PCH "Precompile the standard library's headers" ON)
set(SPILLWAY_DATA "" CACHE STRING "Folder of recorded data for the tests that use some; the environment may name another")
set(SPILLWAY_SANITIZE "" CACHE STRING "Sanitizers to build with, as for -fsanitize=")
option(SPILLWAY_COVERAGE "Instrument for gcov" OFF)
set(SPILLWAY_HOT_FLAGS "" CACHE STRING "Compiler options for what simulators and tests run millions of times")
option(SPILLWAY_STATIC "Link programs without shared libraries; plugins cannot be loaded then" OFF)

if(SPILLWAY_STATIC)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
  set(OPENSSL_USE_STATIC_LIBS ON)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
# What all programs read their command lines with; the rules of the tree say where.
find_path(CLI11_INCLUDE_DIR CLI/CLI.hpp REQUIRED)

# Targets whose numbers need not fit into the words of every machine: tests, see there.
define_property(TARGET PROPERTY SPILLWAY_ANY_WIDTH INITIALIZE_FROM_VARIABLE SPILLWAY_ANY_WIDTH)

add_library(spillway_flags INTERFACE)
target_compile_features(spillway_flags INTERFACE cxx_std_20)
target_include_directories(spillway_flags INTERFACE
  "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/common/include" "${PROJECT_SOURCE_DIR}/agent/include")
target_include_directories(spillway_flags SYSTEM INTERFACE "${CLI11_INCLUDE_DIR}")
target_compile_options(spillway_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow $<$<BOOL:${SPILLWAY_WERROR}>:-Werror> -Wno-missing-field-initializers
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<NOT:$<BOOL:$<TARGET_PROPERTY:SPILLWAY_ANY_WIDTH>>>>:-Wconversion>
  # For libraries and programs alike, so that they can share one precompiled header.
  -fPIC
  # The same source must give the same bits on every CPU: no fused multiply-add behind our back.
  -ffp-contract=off "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.")
# GCC 12 sees uninitialised members in optimised moves of std::variant and overlaps in std::string
# that are not there (GCC bugs 105562, 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(spillway_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()
# Clang counts changes of sign to -Wconversion; GCC, whose word the tree is written by, does not.
# Clang 14 has coroutines and does not say so; libstdc++ and Asio ask.
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # Clang alone reads what a lock guards (common/threads/annotations.h); "beta" is in which order locks are taken.
  target_compile_options(spillway_flags INTERFACE -Wno-sign-conversion -Wthread-safety -Wthread-safety-beta)
  target_compile_definitions(spillway_flags INTERFACE
    __cpp_impl_coroutine=201902L ASIO_HAS_CO_AWAIT=1 ASIO_HAS_STD_COROUTINE=1)
endif()
target_link_libraries(spillway_flags INTERFACE Threads::Threads)
# A hundred test programs link in seconds; what ships is linked by the compiler's own linker.
find_program(SPILLWAY_FAST_LINKER mold)
if(SPILLWAY_FAST_LINKER AND NOT CMAKE_CROSSCOMPILING AND NOT CMAKE_BUILD_TYPE STREQUAL Release)
  target_link_options(spillway_flags INTERFACE -fuse-ld=mold)
endif()
if(SPILLWAY_SANITIZE)
  target_compile_options(spillway_flags INTERFACE -fsanitize=${SPILLWAY_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # Clang's check of calls through function pointers does not assemble beside inline functions of several sections.
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang AND SPILLWAY_SANITIZE MATCHES undefined)
    target_compile_options(spillway_flags INTERFACE -fno-sanitize=function)
  endif()
  target_link_options(spillway_flags INTERFACE -fsanitize=${SPILLWAY_SANITIZE})
  target_compile_definitions(spillway_flags INTERFACE SPILLWAY_SANITIZED=1)
  # GCC's TSan does not model atomic_thread_fence and says so; code under test uses none it relies on. Under it GCC 12
  # also sees std::string write past its end (GCC bug 105329).
  if(SPILLWAY_SANITIZE MATCHES thread)
    target_compile_options(spillway_flags INTERFACE -Wno-tsan -Wno-array-bounds -Wno-stringop-overflow)
  endif()
endif()
if(SPILLWAY_STATIC)
  target_link_options(spillway_flags INTERFACE -static)
  target_compile_definitions(spillway_flags INTERFACE SPILLWAY_STATIC=1)
endif()
if(SPILLWAY_COVERAGE)
  target_compile_options(spillway_flags INTERFACE --coverage)
  target_link_options(spillway_flags INTERFACE --coverage)
endif()

# The one precompiled header, shared by every library and program; hot targets have their own copy when
# they are compiled with other options.
function(spillway_precompiled name)
  add_library(${name} OBJECT "${PROJECT_BINARY_DIR}/pch.cpp")
  target_link_libraries(${name} PRIVATE spillway_flags)
  target_compile_options(${name} PRIVATE ${ARGN})
  target_precompile_headers(${name} PRIVATE <algorithm> <array> <atomic> <chrono> <cstdint>
    <cstring> <functional> <map> <memory> <mutex> <optional> <span> <string> <string_view>
    <thread> <unordered_map> <utility> <variant> <vector>)
endfunction()
if(SPILLWAY_PCH)
  file(WRITE "${PROJECT_BINARY_DIR}/pch.cpp.in" "// Exists so that the precompiled header has a translation unit.\n")
  configure_file("${PROJECT_BINARY_DIR}/pch.cpp.in" "${PROJECT_BINARY_DIR}/pch.cpp" COPYONLY)
  spillway_precompiled(spillway_pch)
  if(SPILLWAY_HOT_FLAGS)
    spillway_precompiled(spillway_pch_hot ${SPILLWAY_HOT_FLAGS})
  endif()
endif()

function(spillway_target_defaults target)
  target_link_libraries(${target} PRIVATE spillway_flags)
  if(SPILLWAY_PCH)
    target_precompile_headers(${target} REUSE_FROM spillway_pch)
  endif()
endfunction()

# spillway_hot(<target>…), right after they are declared: what simulators and tests run millions of times.
function(spillway_hot)
  if(NOT SPILLWAY_HOT_FLAGS)
    return()
  endif()
  foreach(target ${ARGN})
    target_compile_options(${target} PRIVATE ${SPILLWAY_HOT_FLAGS})
    if(SPILLWAY_PCH)
      set_target_properties(${target} PROPERTIES PRECOMPILE_HEADERS_REUSE_FROM spillway_pch_hot)
    endif()
  endforeach()
endfunction()

# spillway_library(<name> SOURCES … [PUBLIC …] [PRIVATE …]): static library spillway_<name>.
function(spillway_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(spillway_${name} STATIC ${ARG_SOURCES})
  spillway_target_defaults(spillway_${name})
  target_link_libraries(spillway_${name} PUBLIC spillway_flags ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  set_property(GLOBAL APPEND PROPERTY SPILLWAY_LIBRARIES spillway_${name})
endfunction()

# spillway_program(<exe> SOURCES … [LINK …]): an executable in <build>/bin.
function(spillway_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  spillway_target_defaults(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
endfunction()

# spillway_test(<exe> SOURCES … LINK … [TIMEOUT seconds] [LABELS …]): a CppUTest executable in CTest.
function(spillway_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  spillway_target_defaults(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} spillway_test_main)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  # An emulated CPU is about ten times slower.
  if(CMAKE_CROSSCOMPILING)
    math(EXPR ARG_TIMEOUT "10 * ${ARG_TIMEOUT}")
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_test(NAME ${name} COMMAND ${name} -v)
  # The longest start first.
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}" COST ${ARG_TIMEOUT})
endfunction()
