#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spillway/status.h"

namespace spillway::kinds {

struct Field {
  std::string_view text;  // without quotes and blanks around it
  bool doubled = false;   // holds "" for "
};

// Walks the lines of a CSV text and their fields, and knows where it is for the sake of errors.
// Lines end in LF or CRLF; a byte order mark is no part of the first. The delimiter ' ' stands for
// any run of blanks and tabs. `text` must outlive it. One thread; a copy goes on by itself.
class Lines {
 public:
  explicit Lines(std::string_view text);

  std::string_view rest() const { return rest_; }
  std::string_view line() const { return line_; }
  std::size_t line_number() const { return line_number_; }
  void go_on_with(std::string_view text) { rest_ = text; }
  void set_delimiter(char delimiter) { delimiter_ = delimiter; }

  // False at the end. Blank lines at the very end are no lines.
  bool next_line();
  // The fields of the line, valid until the next call.
  Result<const std::vector<Field>*> fields();
  // Column counts from 1; 0 blames the line as a whole.
  Error wrong(std::size_t column, const std::string& what) const;

 private:
  void skip_blanks(std::string_view& left) const;
  Result<std::size_t> field_end(std::string_view left) const;
  Result<Field> unquote(std::string_view text) const;

  std::string_view rest_;
  std::string_view line_;
  std::size_t line_number_ = 0;
  char delimiter_ = ',';
  std::vector<Field> fields_;
};

// Without blanks and tabs around it.
std::string_view trim(std::string_view text);

std::string error_place(std::size_t line, std::size_t column);

// How often `c` stands outside quotes.
std::size_t count_outside_quotes(std::string_view line, char c);

}  // namespace spillway::kinds
