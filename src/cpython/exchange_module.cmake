# heapledger._exchange: what every request passes in the adapters. Independent of the engine's symbols.
Python_add_library(heapledger_exchange_module MODULE WITH_SOABI
    exchange_asgi.cc exchange_bound.cc exchange_entry.cc exchange_hooks.cc exchange_module.cc exchange_object.cc
    exchange_passage.cc exchange_protocol.cc exchange_version.cc exchange_visit.cc exchange_wsgi.cc
    taken_function.cc)
set_target_properties(heapledger_exchange_module PROPERTIES OUTPUT_NAME _exchange)
target_link_libraries(heapledger_exchange_module PRIVATE heapledger_options)
# Statics are made under the GIL.
target_compile_options(heapledger_exchange_module PRIVATE -fno-exceptions -fno-rtti -fno-threadsafe-statics)
heapledger_without_libstdcxx(heapledger_exchange_module)
install(TARGETS heapledger_exchange_module DESTINATION heapledger)
