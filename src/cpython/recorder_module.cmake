# heapledger._recorder: the collector as a thread of the service.
find_package(Threads REQUIRED)
nanobind_add_module(heapledger_recorder_module NB_STATIC recorder_module.cc)
set_target_properties(heapledger_recorder_module PROPERTIES OUTPUT_NAME _recorder)
target_link_libraries(heapledger_recorder_module PRIVATE heapledger_recording Threads::Threads)
target_include_directories(heapledger_recorder_module SYSTEM PRIVATE
                           $<TARGET_PROPERTY:nanobind-static,INTERFACE_INCLUDE_DIRECTORIES>)
install(TARGETS heapledger_recorder_module DESTINATION heapledger)
