// Reading a whole file. The size is asked for first, so that a file beyond the
// cap is refused before memory is taken for it.
#include "files.h"

#include <fstream>

#include "error.h"

namespace checker {

std::vector<uint8_t> read_file(const std::string& path, uint64_t cap) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) throw Malformed(text(path, ": cannot be opened"));
  const std::streamoff size = in.tellg();
  if (size < 0) throw Malformed(text(path, ": is not a regular file"));
  if (uint64_t(size) > cap) throw Malformed(text(path, ": has ", size, " bytes, the limit is ", cap));
  std::vector<uint8_t> bytes(static_cast<size_t>(size));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(bytes.data()), size);
  if (in.gcount() != size) throw Malformed(text(path, ": could be read to byte ", in.gcount(), " of ", size, " only"));
  return bytes;
}

}  // namespace checker
