#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace spillway {

// Length of the valid UTF-8 sequence at the start of a text that is not empty, 0 when there is none
// (RFC 3629).
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);

// Whether a valid sequence is not seen, but changes the line around it or the terminal: control
// characters, ends of lines, and marks of direction (Unicode Standard Annex 9).
bool steers(std::string_view sequence);

// What people may be shown of a text that anybody wrote: valid UTF-8 that steers nothing. What is
// neither becomes '?', so that it gets no longer; ends of lines and tabs become blanks, or stay.
enum class Lines : bool { join, keep };
std::string plain_text(std::string_view text, Lines lines = Lines::join);

// The same for a terminal, with all that is replaced told as \xNN.
std::string printable(std::string_view text);

}  // namespace spillway
