# cmake -DOUTPUT=FILE -DFILES=A,B -P embed.cmake: C++ that has these files in it, as Files() of dashboard.cc.
string(REPLACE "," ";" FILES "${FILES}")
set(source "#include \"examples/server/dashboard_files.h\"\n
namespace nerava::examples {
namespace {\n
constexpr File kFiles[] = {\n")
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" content)
  string(APPEND source "{\"${name}\", R\"__file__(${content})__file__\"},\n")
endforeach()
string(APPEND source "};\n
}  // namespace\n
absl::Span<const File> Files() { return kFiles; }\n
}  // namespace nerava::examples\n")
file(WRITE "${OUTPUT}" "${source}")
