// The door of property files: whatever the bytes, a Property within the caps or an error that names a line.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "formats/vnnlib/vnnlib.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto property = axiom::parse_vnnlib({reinterpret_cast<const char*>(data), size});
  if (!property) {
    AXIOM_CHECK(property.error().kind != axiom::ErrorKind::kInternal);
    AXIOM_CHECK(!property.error().message.empty());
  }
  return 0;
}
