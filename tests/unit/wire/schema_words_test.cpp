#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "common/base/update_phase.h"
#include "common/lifecycle/lessee.h"
#include "spillway/loss.h"
#include "spillway/task.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;

namespace {

// The words of an enum of a schema, by number.
std::vector<std::string> words_of(const std::string& schema, const std::string& name) {
  std::ifstream file(SPILLWAY_SCHEMAS "/" + schema + ".fbs");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  text = std::regex_replace(text, std::regex("//[^\n]*"), "");
  std::smatch found;
  std::vector<std::string> words;
  if (!std::regex_search(text, found, std::regex("enum " + name + " : ubyte \\{([^}]*)\\}"))) {
    return words;
  }
  const std::string list = found[1];
  const std::regex word("[a-z_]+");
  for (std::sregex_iterator each(list.begin(), list.end(), word), end; each != end; ++each) {
    words.push_back(each->str());
  }
  return words;
}

template <class Enum>
void are_said(const std::string& schema, const std::string& name) {
  const std::vector<std::string> words = words_of(schema, name);
  CHECK_TEXT(!words.empty(), name.c_str());
  for (std::size_t i = 0; i < words.size(); ++i) {
    STRCMP_EQUAL_TEXT(words[i].c_str(), std::string(to_string(static_cast<Enum>(i))).c_str(),
                      name.c_str());
  }
}

}  // namespace

TEST_GROUP(SchemaWords){};

TEST(SchemaWords, are_those_that_people_are_shown) {
  are_said<Band>("task", "Band");
  are_said<TaskState>("task", "TaskState");
  are_said<WaitReason>("task", "WaitReason");
  are_said<FailureClass>("task", "FailureClass");
  are_said<DataClass>("task", "DataClass");
  are_said<LossCause>("task", "LossCause");
  are_said<UpdatePhase>("link", "UpdatePhase");
}
