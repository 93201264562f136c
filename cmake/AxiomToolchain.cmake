# Flags that every target of Axiom is compiled with, in one place.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# Soundness rests on every floating-point operation rounding once, where the
# source says so. Fusing a*b+c into one instruction removes a rounding that the
# error bounds account for and that the checker performs, so contraction is off
# in every target; value-changing options (-ffast-math and its parts) are never
# used. -march is left at the portable baseline: kernels that gain from wider
# instructions carry target_clones and choose at run time.
add_compile_options(-ffp-contract=off)

# Binaries must not depend on where they were built.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

set(AXIOM_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined or thread")
if(AXIOM_SANITIZE)
  add_compile_options(-fsanitize=${AXIOM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${AXIOM_SANITIZE})
endif()

option(AXIOM_FUZZ "Instrument everything for libFuzzer (clang); see fuzz/" OFF)
if(AXIOM_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Warnings are errors for the two compilers that CI runs; elsewhere a new
# compiler's new warning must not stop a user's build.
set(AXIOM_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -Wno-missing-field-initializers)  # Designated initialisers leave the rest at its default on purpose.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of gcc 12 about std::string and std::vector (GCC bugs 105329, 105562).
  list(APPEND AXIOM_WARNINGS -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-maybe-uninitialized)
endif()
if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
   OR (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 15))
  list(APPEND AXIOM_WARNINGS -Werror)
endif()
