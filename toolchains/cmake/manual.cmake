# Run when a program is installed: its --help as a page of the manual, which says the same as the program does.
# In: program (and the emulator before it), its name, section, line and version, and page. Out: page.gz.
execute_process(COMMAND ${program} --help OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "-" "\\-" text "${text}")
string(REGEX REPLACE "\n([.'])" "\n\\\\&\\1" text "\n${text}")
string(TOUPPER "${name}" title)
string(TIMESTAMP date "%Y-%m-%d" UTC)  # SOURCE_DATE_EPOCH's, if there is one
file(WRITE "${page}" ".TH ${title} ${section} \"${date}\" \"Spillway ${version}\"\n"
  ".SH NAME\n${name} \\- ${line}\n.SH USAGE\n.nf${text}.fi\n")
execute_process(COMMAND gzip -9nf "${page}" COMMAND_ERROR_IS_FATAL ANY)
