# spillway_migrations(<output.cpp> <c++ namespace> <file.sql>…): a source that defines
# `const Migration kMigrations[]` (and its size) from NNNN_*.sql files, in the order given. The
# number of a file is its version.
function(spillway_migrations output namespace)
  set(rows "")
  foreach(file IN LISTS ARGN)
    get_filename_component(path "${file}" ABSOLUTE)
    get_filename_component(name "${file}" NAME_WE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
    file(READ "${path}" sql)
    string(REGEX REPLACE "^0*([0-9]+)_.*$" "\\1" version "${name}")
    string(APPEND rows "    {${version}, R\"sql(\n${sql})sql\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT "${output}" CONTENT
"#include \"common/store/schema.h\"

namespace ${namespace} {
extern const std::vector<spillway::store::Migration> kMigrations;
const std::vector<spillway::store::Migration> kMigrations = {
${rows}};
}  // namespace ${namespace}
" @ONLY)
endfunction()
