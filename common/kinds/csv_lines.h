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
// Lines end in LF or CRLF; a byte order mark is no part of one. Blank lines are passed over, but
// count. The delimiter ' ' stands for any run of blanks and tabs. `text` must outlive it. One
// thread; a copy goes on by itself.
class Lines {
 public:
  explicit Lines(std::string_view text);

  std::string_view rest() const { return rest_; }
  std::string_view line() const { return line_; }
  std::size_t line_number() const { return line_number_; }
  void go_on_with(std::string_view text) { rest_ = text; }
  void set_delimiter(char delimiter) { delimiter_ = delimiter; }
  // Whether a date and a time of day that follow one another are one field, for which they have one
  // name between them.
  void join_times(bool join) { join_times_ = join; }

  // From here on the header's lines are passed over where they come again, from the first of them
  // or from that which names the columns: so loggers write that start anew, and those who join
  // files. Lines at the very end that hold nothing but delimiters, as spreadsheets leave them, are
  // no lines either.
  void begin_rows(std::vector<std::string_view> header, std::size_t names);

  // Goes on to the next line that is not blank; false at the end.
  bool next_line();
  // Goes on by one line, be it blank or not; false at the end.
  bool pass_line();
  // Whether a line break follows the line. The last may have none because whoever wrote it had not
  // come to its end.
  bool ended() const { return ended_; }
  std::size_t blank_lines() const { return blank_lines_; }
  std::size_t repeated_headers() const { return repeated_headers_; }
  // The fields of the line, valid until the next call.
  Result<const std::vector<Field>*> fields();
  // Column counts from 1; 0 blames the line as a whole.
  Error wrong(std::size_t column, const std::string& what) const;

 private:
  bool repeats_header();
  void skip_blanks(std::string_view& left) const;
  void join_last_two();
  Result<std::size_t> field_end(std::string_view left) const;
  Result<Field> unquote(std::string_view text) const;

  std::string_view rest_;
  std::string_view line_;
  std::size_t line_number_ = 0;
  bool ended_ = true;
  std::size_t blank_lines_ = 0;
  std::size_t repeated_headers_ = 0;
  char delimiter_ = ',';
  bool join_times_ = false;
  std::vector<std::string_view> header_;
  std::size_t names_ = 0;
  std::vector<Field> fields_;
};

// The text without blanks and tabs around it.
std::string_view trim(std::string_view text);

std::string error_place(std::size_t line, std::size_t column);

// The first line of a file of Campbell's loggers, which says what wrote it.
enum class Campbell : std::uint8_t { no, toa5, toaci1 };
Campbell campbell_title(std::string_view line);

// How often `c` stands outside quotes.
std::size_t count_outside_quotes(std::string_view line, char c);

}  // namespace spillway::kinds
