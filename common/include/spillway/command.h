#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

// Where kinds come from besides the built-in ones.
namespace spillway {

// An allow-listed program, run as a kind; section [[command]] of both programs.
struct Command {
  std::string name;               // of the kind
  std::vector<std::string> argv;  // argv[0] is the program's absolute path
  std::chrono::milliseconds timeout = std::chrono::minutes(1);
  std::uint64_t memory = 512ULL << 20;  // bytes of address space (RLIMIT_AS)
  std::chrono::seconds cpu{60};         // RLIMIT_CPU
  bool operator==(const Command&) const = default;

  template <class Keys>
  static void list(Keys& keys) {
    using namespace std::chrono_literals;
    keys.about(
        "A program that tasks may run as a kind: input on stdin, value on stdout. Once per "
        "program.");
    keys.text("name", &Command::name, "acme.compress");
    keys.list("argv", &Command::argv, 64, 4095, {"/usr/bin/gzip", "-c"});
    keys.duration("timeout", &Command::timeout, 1ms, 24h * 7);
    keys.bytes("memory", &Command::memory, 1ULL << 20, 1ULL << 40);
    keys.seconds("cpu_seconds", &Command::cpu, 1, 7 * 24 * 3600);
  }
};

// Shared objects that bring kinds; section [plugins] of both programs.
struct Plugins {
  std::vector<std::string> files;
  bool operator==(const Plugins&) const = default;

  template <class Keys>
  static void list(Keys& keys) {
    keys.about("Shared objects that bring kinds, by absolute path.");
    keys.list("files", &Plugins::files, 64, 4095);
  }
};

}  // namespace spillway
