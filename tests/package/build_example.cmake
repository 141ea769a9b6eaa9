# Installs the headers and builds the example plugin against nothing else.
# In: BUILD_DIR (the project's build), SOURCE_DIR (the example's), WORK_DIR, C_COMPILER.
file(REMOVE_RECURSE "${WORK_DIR}")
set(steps
  "--install|${BUILD_DIR}|--component|dev|--prefix|${WORK_DIR}/installed"
  "-S|${SOURCE_DIR}|-B|${WORK_DIR}/build|-DCMAKE_PREFIX_PATH=${WORK_DIR}/installed|-DCMAKE_C_COMPILER=${C_COMPILER}|-DCMAKE_C_FLAGS=-Wall -Wextra -Werror"
  "--build|${WORK_DIR}/build")
foreach(step IN LISTS steps)
  string(REPLACE "|" ";" arguments "${step}")
  execute_process(COMMAND "${CMAKE_COMMAND}" ${arguments} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
