# cmake --install: the programs, one static library that holds every folder but
# the command line, its public headers, and the package that find_package reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(folders GLOBAL PROPERTY AXIOM_LIBRARIES)
list(REMOVE_ITEM folders axiom_cli)
if(NOT folders)
  return()
endif()

add_library(axiom_library STATIC)
add_library(Axiom::axiom ALIAS axiom_library)
set_target_properties(axiom_library PROPERTIES OUTPUT_NAME axiom EXPORT_NAME axiom LINKER_LANGUAGE CXX)
foreach(folder IN LISTS folders)
  target_sources(axiom_library PRIVATE $<TARGET_OBJECTS:${folder}>)
endforeach()
target_compile_features(axiom_library INTERFACE cxx_std_20)
target_include_directories(axiom_library INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# Needed to link, not to compile: no public header includes them.
target_link_libraries(axiom_library PRIVATE fmt::fmt protobuf::libprotobuf-lite ZLIB::ZLIB Threads::Threads)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Axiom)
install(TARGETS axiom_library EXPORT AxiomTargets)
install(EXPORT AxiomTargets NAMESPACE Axiom:: DESTINATION ${package})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/axiom DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/AxiomConfig.cmake.in
  ${PROJECT_BINARY_DIR}/AxiomConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/AxiomConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/AxiomConfig.cmake ${PROJECT_BINARY_DIR}/AxiomConfigVersion.cmake
        DESTINATION ${package})

foreach(program IN ITEMS axiom axiom-check)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/axiom)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/spec/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/spec FILES_MATCHING PATTERN "*.md")
