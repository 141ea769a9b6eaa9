#include <cerrno>
#include <cstring>
#include <fstream>

#include "agent/cli/commands.h"
#include "agent/cli/table.h"
#include "agent/cli/text.h"
#include "common/kinds/args.h"
#include "common/kinds/csv_inspect.h"

namespace spillway::cli {
namespace {

constexpr std::size_t kMostBytes = 256ULL << 20;

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(errno == ENOENT ? Code::not_found : Code::io,
                "cannot open '" + path + "': " + std::strerror(errno));
  }
  std::string text;
  for (std::string piece(1 << 20, '\0'); file && text.size() <= kMostBytes;) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece, 0, static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad() || (!file.eof() && text.size() <= kMostBytes)) {
    return fail(Code::io, "cannot read '" + path + "'; is it a directory?");
  }
  if (text.size() <= kMostBytes) return text;
  return fail(Code::invalid_argument, "'" + path + "' is over 256 MiB; inspect its beginning");
}

Result<kinds::TableOptions> table_options(const KindOptions& given) {
  Labels args;
  if (!given.dates.empty()) args["dates"] = given.dates;
  for (const std::string& text : given.args) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Code::invalid_argument, "--arg: '" + text + "' is not NAME=VALUE");
    }
    args[text.substr(0, equals)] = text.substr(equals + 1);
  }
  kinds::ArgReader reader(args);
  kinds::TableOptions options = kinds::read_table_options(reader);
  options.columns = reader.texts("columns");
  if (Status status = reader.finish(); !status) return std::move(status).error();
  return options;
}

std::string lines_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " line" : " lines");
}

void print_time(std::ostream& out, const kinds::CsvInspection& seen) {
  if (seen.time_column.empty()) {
    out << "time       in no column\n";
    return;
  }
  out << "time       " << printable(seen.time_column) << ", "
      << (seen.time_format.empty() ? "in no form that is known" : seen.time_format) << '\n';
  if (seen.first_time.empty()) return;
  out << "           from " << printable(seen.first_time) << " to " << printable(seen.last_time)
      << '\n';
}

void print_inspection(const Console& console, const kinds::CsvInspection& seen) {
  std::ostream& out = console.out;
  out << "delimiter  " << seen.delimiter << "\ndecimal    " << seen.decimal << "\nheader     "
      << lines_text(seen.header_lines) << " after " << lines_text(seen.skipped_lines)
      << "\nrows       " << seen.rows << '\n';
  print_time(out, seen);
  Table table({{"COLUMN"}, {"UNIT"}, {"TAKEN FOR"}, {"VALUES", true}, {"MISSING", true}});
  for (const kinds::InspectedColumn& column : seen.columns) {
    table.row({column.name, column.unit.empty() ? "-" : column.unit, column.role,
               std::to_string(column.values), std::to_string(column.missing)});
  }
  table.print(console);
  for (const std::string& remark : seen.remarks) out << "note: " << printable(remark) << '\n';
  out << (seen.refused.empty() ? "a kind takes it as it is" : "a kind refuses it: ")
      << printable(seen.refused) << '\n';
}

}  // namespace

Result<int> run_kind(Session& session, const KindOptions& options) {
  Result<kinds::TableOptions> how = table_options(options);
  if (!how) return std::move(how).error();
  Result<std::string> text = read_file(options.file);
  if (!text) return std::move(text).error();
  Result<kinds::CsvInspection> seen = kinds::inspect_csv(*text, *how);
  if (!seen) return std::move(seen).error();
  if (session.json()) {
    session.console().out << kinds::to_json(*seen) << '\n';
  } else {
    print_inspection(session.console(), *seen);
  }
  return seen->refused.empty() ? kOk : kFailed;
}

}  // namespace spillway::cli
