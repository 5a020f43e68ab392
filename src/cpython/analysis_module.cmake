# heapledger._analysis: reads recordings. It links the rooms outside the service and none of those inside.
execute_process(COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir OUTPUT_STRIP_TRAILING_WHITESPACE
                OUTPUT_VARIABLE heapledger_nanobind_dir ERROR_QUIET)
find_package(nanobind CONFIG REQUIRED HINTS ${heapledger_nanobind_dir})

nanobind_add_module(heapledger_analysis_module NB_STATIC analysis_module.cc interference_binding.cc leaks_binding.cc
                    lifecycle_binding.cc limits_binding.cc payloads_binding.cc pools_binding.cc result_repr.cc
                    segments_binding.cc versions_binding.cc)
set_target_properties(heapledger_analysis_module PROPERTIES OUTPUT_NAME _analysis)
target_link_libraries(heapledger_analysis_module PRIVATE heapledger_report)
# Its headers do not compile under the warnings that ours do.
target_include_directories(heapledger_analysis_module SYSTEM PRIVATE
                           $<TARGET_PROPERTY:nanobind-static,INTERFACE_INCLUDE_DIRECTORIES>)
install(TARGETS heapledger_analysis_module DESTINATION heapledger)
