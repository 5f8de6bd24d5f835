# `cmake --install`: headers, every room's library, the tools, and the package that find_package(qopt) finds.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# One name for all rooms: an embedding program links qopt::qopt and leaves out what it does not use.
get_property(rooms GLOBAL PROPERTY QOPT_ROOMS)
add_library(QoptAll INTERFACE)
set_target_properties(QoptAll PROPERTIES EXPORT_NAME qopt)
target_link_libraries(QoptAll INTERFACE ${rooms})
install(TARGETS QoptAll ${rooms} EXPORT qoptTargets)

foreach(tool qopt qopt-opt qopt-translate qopt-lsp-server)
  if(TARGET ${tool})
    install(TARGETS ${tool})
  endif()
endforeach()

# From both trees: tablegen writes its headers into the build tree.
foreach(tree ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  install(DIRECTORY ${tree}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.def" PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)
endforeach()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/qopt)
install(EXPORT qoptTargets NAMESPACE qopt:: DESTINATION ${package})
configure_package_config_file(cmake/qoptConfig.cmake.in ${PROJECT_BINARY_DIR}/qoptConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/qoptConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/qoptConfig.cmake ${PROJECT_BINARY_DIR}/qoptConfigVersion.cmake DESTINATION ${package})
