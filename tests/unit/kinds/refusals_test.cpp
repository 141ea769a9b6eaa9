#include <string>

// Last: it redefines new.
#include "tests/unit/kinds/csv_reading.h"

using namespace spillway;
using namespace spillway::kinds;

// What is refused says what to set.
TEST_GROUP_BASE(Refusals, CsvReading){void ends(std::string_view text, const char* words){
    Result<kinds::Table> table = read_table(as_bytes(text), options);
CHECK_TEXT(!table.ok(), words);
CHECK_TEXT(table.error().message.ends_with(words), table.error().message.c_str());
CHECK(table.error().message.starts_with("line "));
}
void reads_after(std::uint64_t lines, std::string_view text, std::size_t rows) {
  options.shape.skip = lines;
  UNSIGNED_LONGS_EQUAL_TEXT(rows, good(text).rows, std::string(text).c_str());
  options.shape.skip.reset();
}
}
;

TEST(Refusals, the_line_where_the_names_seem_to_stand_is_told) {
  const std::string keysight =
      "Name:,Test1\nOwner:,me\nComments:,\nAcquisition Date:,3/1/2026 11:00:00 AM\n\n"
      "Instrument:,34970A\n\nScan,Time,101 (VDC),102 (C)\n1,03/13/2026 11:00:00,0.0E+00,20.0\n"
      "2,03/13/2026 11:10:00,1.0E-03,21.0\n3,03/13/2026 11:20:00,1.0E-03,22.0\n";
  ends(keysight, "; the names seem to stand in line 8, to where skip=7 leads");
  reads_after(7, keysight, 3);
  const std::string solinst =
      "Serial_number:\n2012345\nProject ID:\nwell\nLocation:\nA\nLEVEL\nUNIT: m\n"
      "Offset: 0.0 m\nTEMPERATURE\nUNIT: Deg C\nDate,Time,ms,LEVEL,TEMPERATURE\n"
      "2026/03/01,11:00:00,0,1.0000,9.5\n2026/03/01,11:00:01,0,1.1000,9.5\n";
  ends(solinst, "; the names seem to stand in line 12, to where skip=11 leads");
  reads_after(11, solinst, 2);
  const std::string meter =
      "z6-12345,Port 1,Port 1,Port 2\n12 records,TEROS 12,TEROS 12,Battery\n"
      "Timestamps, Water Content, Soil Temperature, Battery Percent\n"
      "2026-03-01 11:00:00 AM,0.200,9.5,100\n2026-03-01 11:15:00 AM,0.201,10.5,100\n";
  ends(meter, "; the names seem to stand in line 3, to where skip=2 leads");
  reads_after(2, meter, 2);
  const std::string netatmo =
      "Name;Long;Lat;ModuleName;ModuleType\n\"Indoor\";13.4;52.5;\"Bedroom\";\"Base\"\n"
      "Timestamp;\"Timezone : Europe/Berlin\";Temperature;Humidity\n"
      "1772362800;\"2026/03/01 11:00:00\";20.0;50\n1772363100;\"2026/03/01 11:05:00\";20.1;51\n";
  ends(netatmo, "; the names seem to stand in line 3, to where skip=2 leads");
  reads_after(2, netatmo, 2);
}

TEST(Refusals, names_that_are_where_they_were_looked_for_are_not_told) {
  refuses("a,b\n1,2\n3,4\n5,6\n7,x\n",
          "line 5, column 2: 'x' is not a number (column 'b'); nodata=x takes it for a missing "
          "value");
  options.shape.skip = 0;
  refuses("a,b\n1,2\nc,d\n3,4\n",
          "line 3, column 1: 'c' is not a number (column 'a'); nodata=c takes it for a missing "
          "value");
}

TEST(Refusals, columns_of_one_name_are_read_by_their_places) {
  const char* text = "time,temp,temp,flow\n13:30,20,120,1\n13:31,21,121,2\n";
  const kinds::Table table = good(text);
  UNSIGNED_LONGS_EQUAL(3, table.features.size());
  STRCMP_EQUAL("temp (column 2)", table.features[0].name.c_str());
  STRCMP_EQUAL("flow", table.features[2].name.c_str());
  remarks(text,
          "several columns are named 'temp'; each is told by its place, the first as 'temp (column "
          "2)'");
  options.columns = {"temp (column 3)"};
  check_values({120, 121}, good(text).features[0]);
  options.columns = {"temp"};
  refuses(text, "2 columns are named 'temp'; one is 'temp (column 2)'");
  options.columns = {"T, C"};
  refuses("\"T, C\",\"T, C\"\n1,2\n", "2 columns are named 'T, C'; one is 'T, C (column 1)'");
  options.columns.clear();
  UNSIGNED_LONGS_EQUAL(1, good("time,time,v\n13:30,13:31,1\n").features.size());
}

TEST(Refusals, what_is_odd_about_a_number_is_told) {
  const std::string typeset = std::string("\xe2\x88\x92") + "1.6";
  const std::string narrow = std::string("1\xe2\x80\xaf") + "234";
  for (const char* number : {"1.200,5", "1'234.5", "1 234", "1.200.000", narrow.c_str()}) {
    ends("v;w\n" + std::string(number) + ";1\n",
         "; marks between thousands are not read; columns= names others to read");
  }
  for (const char* number : {"20.0 C", "45%", "2*", "1.5V"}) {
    ends("v;w\n" + std::string(number) + ";1\n",
         "; a number may have nothing behind it, such as a unit; columns= names others to read");
  }
  ends("v\n" + typeset + "\n",
       "; its minus is U+2212, where - is wanted; columns= names others to read");
}

TEST(Refusals, no_hint_of_a_decimal_mark_leads_back_to_where_one_was) {
  const char* thousands =
      "; marks between thousands, as 1.200 would have one, are not read; "
      "columns= names others to read";
  for (const char* text :
       {"v;w\n1.200;1\n999,5;2\n", "v;w\n999,5;1\n1.200;2\n", "v;w\n1.200;20,5\n999;21,5\n"}) {
    options.shape.decimal.reset();
    ends(text, thousands);
    options.shape.decimal = ',';
    ends(text, thousands);
  }
  // Read with a decimal point, 1.200 would be a thousandth of what it is.
  ends("v;w\n1.200;1\n1.201;2\n", thousands);
  options.shape.decimal.reset();
  ends("v,w\n\"1,234\",20.5\n",
       "; marks between thousands, as 1,234 would have one, are not read; columns= names others to "
       "read");
  const char* both = "v;w\n20,5;50.5\n21,5;51.5\n";
  ends(both, "; decimal=comma would refuse others, such as 50.5; columns= names those to read");
  options.shape.decimal = ',';
  ends(both, "; decimal=point would refuse others, such as 20,5; columns= names those to read");
  options.columns = {"w"};
  ends(both, "(column 'w'); decimal=point reads it");
  options.shape.decimal.reset();
  check_values({50.5, 51.5}, good(both).features[0]);
  options.columns = {"v"};
  ends(both, "(column 'v'); decimal=comma reads it");
  options.shape.decimal = ',';
  check_values({20.5, 21.5}, good(both).features[0]);
  options = {};
  options.labels = true;
  ends("v;anomaly\n1.5;0\n2.5;1,0\n",
       "; decimal=comma would refuse others, such as 1.5; columns= names those to read");
  ends("v;anomaly\n1;1.0\n2;1,0\n",
       "; decimal=comma would refuse others, such as 1.0; columns= names those to read");
}

TEST(Refusals, a_row_that_counts_the_rows_can_be_left_out) {
  const char* text =
      "\"VarName\";\"TimeString\";\"VarValue\"\n\"Temp\";\"13.03.2026 11:00:00\";20,0\n"
      "\"Temp\";\"13.03.2026 11:10:00\";21,0\n\"$RT_COUNT$\";2\n";
  ends(text, "(column 'TimeString'); time=TimeString takes the column for the time");
  options.shape.time = "TimeString";
  ends(text, "is not a time like those before it; with columns= and no time= none is looked at");
  options.shape.time.clear();
  options.columns = {"VarValue"};
  ends(text, "missing=skip or hold goes on without it");
  options.missing = Missing::skip;
  check_values({20, 21}, good(text).features[0]);
}

TEST(Refusals, decimal_commas_between_commas_are_told) {
  ends("Date/Time,Unit,Value\n01/03/26 11:00:01,C,20,5\n01/03/26 11:10:01,C,21,5\n",
       "or its commas are decimal ones, and fields need another delimiter");
  remarks("a,b\n1,2,3\n4,5,6\n7,8\n",
          "2 times in all the fields of a row cannot be told; such rows count for nothing here");
}

TEST(Refusals, lines_that_end_in_cr_alone_are_told) {
  refuses("a,b\r1,2\r3,4\r",
          "the lines end in CR alone; save the text with LF or CRLF at their ends");
  refuses("a,b\r", "the CSV has a header but no rows");
}
