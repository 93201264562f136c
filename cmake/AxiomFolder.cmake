# axiom_folder(<name> [PROGRAM <program>] [DEPENDS <target>...])
#
# Turns the calling folder into targets, by file name alone:
#   *.cc            -> static library axiom_<name> (INTERFACE while there is none)
#   *.proto         -> compiled into the library; include "<folder>/x.pb.h"
#   *_test.cc       -> one GoogleTest program <name>_test, registered with ctest
#   *_bench.cc      -> one Google Benchmark program <name>_bench (target `benches`)
#   main.cc         -> with PROGRAM, the executable bin/<program>
# Files are found recursively and again at every build. The include roots are src/
# and include/. Tests run with the repository root as working directory.
function(axiom_folder name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PROGRAM" "DEPENDS")
  set(here ${CMAKE_CURRENT_SOURCE_DIR})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${here}/*.cc)
  file(GLOB_RECURSE protos CONFIGURE_DEPENDS ${here}/*.proto)
  set(tests ${sources})
  set(benches ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cc$")
  if(arg_PROGRAM)
    list(REMOVE_ITEM sources ${here}/main.cc)
  endif()

  set(library axiom_${name})
  if(sources OR protos)
    add_library(${library} STATIC ${sources})
    target_include_directories(${library} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
    target_compile_options(${library} PRIVATE ${AXIOM_WARNINGS})
    target_link_libraries(${library} PUBLIC ${arg_DEPENDS})
    axiom_protos(${library} ${protos})
    set_property(GLOBAL APPEND PROPERTY AXIOM_LIBRARIES ${library})
  else()
    add_library(${library} INTERFACE)
    target_include_directories(${library} INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(${library} INTERFACE ${arg_DEPENDS})
  endif()

  if(arg_PROGRAM AND EXISTS ${here}/main.cc)
    add_executable(${arg_PROGRAM} ${here}/main.cc)
    target_compile_options(${arg_PROGRAM} PRIVATE ${AXIOM_WARNINGS})
    target_link_libraries(${arg_PROGRAM} PRIVATE ${library})
  endif()
  if(tests AND BUILD_TESTING)
    axiom_test(${name}_test SOURCES ${tests} DEPENDS ${library})
  endif()
  if(benches)
    find_package(benchmark REQUIRED)
    add_executable(${name}_bench EXCLUDE_FROM_ALL ${benches})
    target_compile_options(${name}_bench PRIVATE ${AXIOM_WARNINGS})
    target_link_libraries(${name}_bench PRIVATE ${library} benchmark::benchmark_main)
    add_dependencies(benches ${name}_bench)
  endif()
endfunction()

# axiom_test(<program> SOURCES <file>... DEPENDS <target>...): one GoogleTest
# program, one ctest entry.
function(axiom_test program)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  add_executable(${program} ${arg_SOURCES})
  target_compile_options(${program} PRIVATE ${AXIOM_WARNINGS})
  target_compile_definitions(${program} PRIVATE
    AXIOM_SOURCE_DIR="${PROJECT_SOURCE_DIR}" AXIOM_BINARY_DIR="${PROJECT_BINARY_DIR}")
  target_link_libraries(${program} PRIVATE ${arg_DEPENDS} GTest::gtest_main)
  add_test(NAME ${program} COMMAND ${program} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${program} PROPERTIES TIMEOUT 600)
endfunction()

# Generated protobuf classes carry no warnings of ours.
function(axiom_protos library)
  set(out ${PROJECT_BINARY_DIR}/generated)
  foreach(proto IN LISTS ARGN)
    cmake_path(RELATIVE_PATH proto BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/src OUTPUT_VARIABLE rel)
    string(REGEX REPLACE "\\.proto$" "" stem ${out}/${rel})
    file(MAKE_DIRECTORY ${out})
    add_custom_command(OUTPUT ${stem}.pb.cc ${stem}.pb.h
      COMMAND protobuf::protoc --proto_path=${PROJECT_SOURCE_DIR}/src --cpp_out=${out} ${proto}
      DEPENDS ${proto} VERBATIM)
    target_sources(${library} PRIVATE ${stem}.pb.cc ${stem}.pb.h)
    set_source_files_properties(${stem}.pb.cc PROPERTIES COMPILE_OPTIONS -w)
  endforeach()
  if(ARGN)
    target_include_directories(${library} SYSTEM PUBLIC ${out})
    target_link_libraries(${library} PUBLIC protobuf::libprotobuf-lite)  # starts faster; schemas say LITE_RUNTIME
  endif()
endfunction()
