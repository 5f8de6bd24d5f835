# One way to declare a room, so that every library is compiled and linked alike.

separate_arguments(QOPT_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")

# Settings that every target of ours shares. NO_LLVM leaves LLVM's headers out (Runtime, Numerics).
function(qopt_settings target)
  cmake_parse_arguments(ARG "NO_LLVM" "" "" ${ARGN})
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:include>)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-unused-parameter)
  if(NOT ARG_NO_LLVM)
    target_include_directories(${target} SYSTEM PUBLIC
      $<BUILD_INTERFACE:${LLVM_INCLUDE_DIRS}> $<BUILD_INTERFACE:${MLIR_INCLUDE_DIRS}>)
    target_compile_definitions(${target} PRIVATE ${QOPT_LLVM_DEFINITIONS})
  endif()
endfunction()

# qopt_room(NAME source… [NO_LLVM] [DEPENDS tablegen-target…] [LINK library…])
function(qopt_room name)
  cmake_parse_arguments(ARG "NO_LLVM" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  if(ARG_NO_LLVM)
    qopt_settings(${name} NO_LLVM)
  else()
    qopt_settings(${name})
  endif()
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  set_property(GLOBAL APPEND PROPERTY QOPT_ROOMS ${name})
endfunction()

# qopt_tool(NAME source… [LINK library…]): an executable in build/bin.
function(qopt_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  qopt_settings(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
endfunction()

# qopt_unit_test(NAME source… [LINK library…]): a gtest executable, run by ctest.
function(qopt_unit_test name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  qopt_settings(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/unit)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gtest_main Threads::Threads)
  add_test(NAME unit.${name} COMMAND ${name})
endfunction()

# qopt_rooms_below(folder…): adds each folder that stands already.
macro(qopt_rooms_below)
  foreach(folder ${ARGN})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
      add_subdirectory(${folder})
    endif()
  endforeach()
endmacro()
