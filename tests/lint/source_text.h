#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// What the rules need to know of a C++ file, found without a compiler.
namespace spillway::lint {

struct Include {
  std::string path;
  bool quoted = false;
  std::size_t line = 0;  // from 1
};

struct Function {
  std::string name;
  std::size_t line = 0;   // of its first line
  std::size_t lines = 0;  // first line to closing brace
};

// A class, struct, enum or union that the file defines or declares.
struct TypeName {
  std::string name;
  std::size_t line = 0;
};

// A class with a body, and what it declares itself: methods, static ones, too, and members of each
// object; neither what is defaulted nor types of its own.
struct ClassSize {
  std::string name;
  std::size_t line = 0;
  std::size_t methods = 0, members = 0;
};

std::vector<std::string> lines_of(std::string_view text);
std::vector<Include> includes_of(std::string_view text);
// The text with the insides of comments, strings and preprocessor lines blanked, line for line, and
// with the words by which Clang checks who holds a lock (common/threads/annotations.h).
std::string code_of(std::string_view text);
std::vector<Function> functions_of(std::string_view text);
std::vector<TypeName> types_of(std::string_view text);
std::vector<ClassSize> classes_of(std::string_view text);

}  // namespace spillway::lint
