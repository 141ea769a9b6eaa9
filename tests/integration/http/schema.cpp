#include "tests/integration/http/schema.h"

#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>

namespace spillway::test {
namespace {

const std::set<std::string> kKnown = {
    "$ref",          "type",      "enum",      "properties", "required",    "additionalProperties",
    "items",         "minimum",   "maximum",   "pattern",    "oneOf",       "format",
    "maxItems",      "minLength", "maxLength", "default",    "description", "minProperties",
    "maxProperties", "title",     "x-sort",    "x-wide"};

bool is_type(const json::value& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  if (type == "number") return value.is_number();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

bool has_type(const json::value& value, const json::value& types) {
  if (types.is_string()) return is_type(value, types.get_string());
  for (const json::value& type : types.as_array()) {
    if (is_type(value, type.as_string())) return true;
  }
  return false;
}

double number(const json::value& value) { return value.to_number<double>(); }

const std::regex& date_time() {
  static const std::regex pattern(R"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z)");
  return pattern;
}

}  // namespace

OpenApi OpenApi::read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  OpenApi api;
  api.root_ = json::parse(text.str()).as_object();
  return api;
}

const json::object& OpenApi::resolve(const json::value& value) const {
  const json::object* object = &value.as_object();
  while (const json::value* ref = object->if_contains("$ref")) {
    std::string path(ref->as_string());
    boost::system::error_code error;
    const json::value* found = json::value(root_).is_object() && path.starts_with("#")
                                   ? &root_.at(path.substr(2, path.find('/', 2) - 2))
                                   : nullptr;
    if (!found) throw std::runtime_error("cannot resolve " + path);
    found = found->find_pointer(path.substr(path.find('/', 2)), error);
    if (!found) throw std::runtime_error("cannot resolve " + path);
    object = &found->as_object();
  }
  return *object;
}

std::vector<std::string> OpenApi::check(const json::value& value, const json::value& schema) const {
  std::vector<std::string> problems;
  check(value, schema, "", problems);
  return problems;
}

void OpenApi::check(const json::value& value, const json::value& given, const std::string& where,
                    std::vector<std::string>& problems) const {
  const json::object& schema = resolve(given);
  const auto complain = [&](const std::string& what) {
    problems.push_back(where + ": " + what + ": " + json::serialize(value).substr(0, 200));
  };
  for (const auto& member : schema) {
    if (!kKnown.contains(std::string(member.key()))) {
      complain("the schema has an unknown keyword " + std::string(member.key()));
    }
  }
  if (const json::value* any = schema.if_contains("oneOf")) {
    int fits = 0;
    for (const json::value& each : any->as_array()) fits += check(value, each).empty() ? 1 : 0;
    if (fits != 1) complain("fits " + std::to_string(fits) + " of oneOf");
  }
  if (const json::value* types = schema.if_contains("type"); types && !has_type(value, *types)) {
    return complain("is not of type " + json::serialize(*types));
  }
  if (const json::value* words = schema.if_contains("enum")) {
    bool known = false;
    for (const json::value& word : words->as_array()) known = known || word == value;
    if (!known) complain("is none of its words");
  }
  if (const json::string* text = value.if_string()) {
    const json::value* pattern = schema.if_contains("pattern");
    if (pattern && !std::regex_search(text->c_str(), std::regex(pattern->as_string().c_str()))) {
      complain("does not match " + json::serialize(*pattern));
    }
    const json::value* format = schema.if_contains("format");
    if (format && *format == "date-time" && !std::regex_match(text->c_str(), date_time())) {
      complain("is no time");
    }
  }
  if (value.is_number()) {
    const json::value* low = schema.if_contains("minimum");
    const json::value* high = schema.if_contains("maximum");
    if (low && number(value) < number(*low)) complain("is too small");
    if (high && number(value) > number(*high)) complain("is too large");
  }
  if (const json::array* items = value.if_array()) {
    const json::value* each = schema.if_contains("items");
    for (std::size_t i = 0; each && i < items->size(); ++i) {
      check((*items)[i], *each, where + "/" + std::to_string(i), problems);
    }
  }
  if (const json::object* object = value.if_object()) {
    check_object(*object, schema, where, problems);
  }
}

void OpenApi::check_object(const json::object& value, const json::object& schema,
                           const std::string& where, std::vector<std::string>& problems) const {
  if (const json::value* required = schema.if_contains("required")) {
    for (const json::value& name : required->as_array()) {
      if (!value.contains(name.as_string())) {
        problems.push_back(where + ": lacks " + name.as_string().c_str());
      }
    }
  }
  const json::value* properties = schema.if_contains("properties");
  const json::value* others = schema.if_contains("additionalProperties");
  for (const auto& member : value) {
    std::string inside = where + "/" + std::string(member.key());
    const json::value* known =
        properties ? properties->as_object().if_contains(member.key()) : nullptr;
    if (known) {
      check(member.value(), *known, inside, problems);
    } else if (others && others->is_object()) {
      check(member.value(), *others, inside, problems);
    } else if (others && *others == false) {
      problems.push_back(inside + ": is not in the schema");
    }
  }
}

std::vector<OpenApi::Operation> OpenApi::operations() const {
  std::vector<Operation> found;
  for (const auto& path : root_.at("paths").as_object()) {
    const json::object& item = path.value().as_object();
    const json::value* servers = item.if_contains("servers");
    std::string prefix(
        (servers ? *servers : root_.at("servers")).as_array()[0].as_object().at("url").as_string());
    if (prefix == "/") prefix.clear();
    for (std::string method : {"get", "post", "put", "patch", "delete"}) {
      const json::value* operation = item.if_contains(method);
      if (!operation) continue;
      const json::object& object = operation->as_object();
      const json::value* scope = object.if_contains("x-scope");
      for (char& c : method) c = char(c - 'a' + 'A');
      found.push_back({method, prefix + std::string(path.key()),
                       std::string(object.at("operationId").as_string()),
                       scope ? std::string(scope->as_string()) : std::string(), &object});
    }
  }
  return found;
}

void OpenApi::lint_refs(const json::value& value, const std::string& where,
                        std::vector<std::string>& problems) const {
  if (const json::array* items = value.if_array()) {
    for (const json::value& item : *items) lint_refs(item, where, problems);
  }
  if (const json::object* object = value.if_object()) {
    if (object->contains("$ref")) {
      try {
        resolve(value);
      } catch (const std::exception& error) {
        problems.push_back(where + ": " + error.what());
      }
      if (object->size() != 1) problems.push_back(where + ": $ref has company");
    }
    for (const auto& member : *object) {
      lint_refs(member.value(), where + "/" + std::string(member.key()), problems);
    }
  }
}

void OpenApi::lint_operation(const Operation& operation, std::vector<std::string>& problems) const {
  const json::object& item = *operation.item;
  const auto complain = [&](const std::string& what) {
    problems.push_back(operation.id + ": " + what);
  };
  if (!item.contains("summary")) complain("has no summary");
  std::set<std::string> in_path, declared;
  static const std::regex parameter(R"(\{(\w+)\})");
  for (std::sregex_iterator it(operation.path.begin(), operation.path.end(), parameter), end;
       it != end; ++it) {
    in_path.insert((*it)[1]);
  }
  if (const json::value* parameters = item.if_contains("parameters")) {
    for (const json::value& each : parameters->as_array()) {
      const json::object& one = each.as_object();
      if (!one.contains("schema")) complain("a parameter has no schema");
      if (one.at("in") != "path") continue;
      declared.insert(std::string(one.at("name").as_string()));
      if (one.at("required") != true) complain("a parameter of the path is not required");
    }
  }
  if (in_path != declared) complain("declares other parameters than its path has");
  const json::object& responses = item.at("responses").as_object();
  if (!responses.contains("default")) complain("has no default response");
  bool succeeds = false;
  for (const auto& response : responses) succeeds = succeeds || response.key().starts_with("2");
  if (!succeeds) complain("never succeeds");
}

std::vector<std::string> OpenApi::lint() const {
  std::vector<std::string> problems;
  if (!root_.at("openapi").as_string().starts_with("3.1.")) problems.push_back("is not 3.1");
  lint_refs(json::value(root_), "", problems);
  std::set<std::string> ids;
  for (const Operation& operation : operations()) {
    if (!ids.insert(operation.id).second) problems.push_back(operation.id + ": is there twice");
    lint_operation(operation, problems);
  }
  for (const auto& schema : root_.at("components").as_object().at("schemas").as_object()) {
    std::string ref = "\"#/components/schemas/" + std::string(schema.key()) + "\"";
    if (json::serialize(root_).find(ref) == std::string::npos) {
      problems.push_back(std::string(schema.key()) + ": nobody uses this schema");
    }
  }
  return problems;
}

}  // namespace spillway::test
