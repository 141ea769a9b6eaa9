# spillway_migrations(<output.cpp> <c++ namespace> <file.sql>…): a source that defines
# `const Migration kMigrations[]` (and its size) from NNNN_*.sql files, in the order given. The
# number of a file is its version. A file whose first line is `-- additive` leaves the store usable
# by programs that do not know it; once there is one, all that follow must be so.
#
# SQLite keeps a statement's text in the file, and all of it has to fit on the first page: only there can a salvage do with any
# other page spoiled. So comments and needless blanks are for readers of the SQL alone. A file that an earlier program made has the
# longer texts for good, and its description may lie on two pages once a column or a table came to it.
function(spillway_migrations output namespace)
  set(rows "")
  set(paths "")
  set(released FALSE)
  foreach(file IN LISTS ARGN)
    get_filename_component(path "${file}" ABSOLUTE)
    list(APPEND paths "${path}")
    get_filename_component(name "${file}" NAME_WE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
    file(READ "${path}" sql)
    string(REGEX REPLACE "^0*([0-9]+)_.*$" "\\1" version "${name}")
    string(REGEX REPLACE "--[^\n]*" "" code "${sql}")
    string(REGEX MATCHALL "'[^'\n]*'" literals "${code}")
    if(code MATCHES "(^|\n)[^'\n]*'([^'\n]*'[^'\n]*')*[^'\n]*(\n|$)" OR literals MATCHES "[ (),]")
      message(FATAL_ERROR "${file}: a text that holds a comment, a line's end, a blank or punctuation would not stay what it is")
    endif()
    string(REGEX REPLACE "[ \n]+" " " code "${code}")
    string(REGEX REPLACE " ?([(),;]) ?" "\\1" text "${code}")
    set(additive false)
    if(sql MATCHES "^-- additive\n")
      set(additive true)
      set(released TRUE)
      string(REGEX REPLACE ";" "|" code "|${code}")
      # Additive is what neither takes a column, row or value away nor forbids one that was allowed.
      string(REGEX REPLACE "\\| ?CREATE (TABLE|INDEX) [^|]*" "" left "${code}")
      string(REGEX REPLACE "\\| ?ALTER TABLE [a-z_]+ ADD COLUMN [a-z0-9_]+ (INTEGER|TEXT|BLOB)( NOT NULL DEFAULT [^|]*)?" "" left "${left}")
      if(NOT left MATCHES "^[| ]*$")
        message(FATAL_ERROR "${file}: not additive: ${left}")
      endif()
    elseif(released)
      message(FATAL_ERROR "${file}: must be additive, or the version before cannot be gone back to")
    endif()
    string(APPEND rows "    {${version}, R\"sql(${text})sql\", ${additive}},\n")
  endforeach()
  set_property(GLOBAL PROPERTY "migrations of ${namespace}" ${paths})
  file(CONFIGURE OUTPUT "${output}" CONTENT
"#include \"common/sqlite/schema.h\"

namespace ${namespace} {
extern const std::vector<spillway::sqlite::Migration> kMigrations;
const std::vector<spillway::sqlite::Migration> kMigrations = {
${rows}};
}  // namespace ${namespace}
" @ONLY)
endfunction()
