/* heapledger's C seam: charge memory to requests from C, C++ or any language that can call C.
 *
 * For extensions with allocators of their own (report blocks), for servers that are not Python's (open scopes) and for
 * tests. Link with libheapledger_engine. The allocators of Python itself need none of this: they are hooked.
 *
 * Thread-safety: every function may be called from any thread. Scope functions take a short spin lock of the seam;
 * inside a Python process call them with the GIL held, because Python's hooks share those books under the GIL.
 * hl_allocated and hl_freed are lock-free.
 * None of them uses the heap, waits for another process, raises or prints. What cannot be done is counted.
 * Fork: a child keeps the books it inherited; its scopes from before the fork are over.
 */
#ifndef HEAPLEDGER_HEAPLEDGER_H
#define HEAPLEDGER_HEAPLEDGER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A request. Over once hl_leave was called; every call on a scope that is over does nothing. {0, 0}: no scope. */
typedef struct hl_scope {
  uint32_t generation;
  uint32_t owner;
} hl_scope;

typedef struct hl_outcome {
  uint32_t status;         /* HTTP status */
  uint32_t flags;          /* 0 */
  uint64_t received_bytes; /* body */
  uint64_t sent_bytes;     /* body */
} hl_outcome;

/* The books at one moment. Balanced when allocated - freed == live == walked and mismatches == 0. */
typedef struct hl_books {
  uint64_t allocated_bytes;
  uint64_t freed_bytes;
  uint64_t live_bytes;   /* by the owners' counters */
  uint64_t walked_bytes; /* by walking the block map */
  uint64_t blocks;
  uint64_t mismatching_owners;
} hl_books;

/* What one scope holds and held. */
typedef struct hl_scope_memory {
  uint64_t allocated_bytes;
  uint64_t allocations;
  uint64_t live_bytes;
  uint64_t peak_bytes;
} hl_scope_memory;

/* Open the books; the ledger file goes into run_dir ("": none). 0, or -1: switched off. Twice is a no-op. */
int hl_start(const char* run_dir);

/* Begin a request; its row is written by hl_leave. */
hl_scope hl_begin(void);
void hl_end(hl_scope scope, const hl_outcome* outcome);
void hl_leave(hl_scope scope, const hl_outcome* outcome);

/* Name what a scope serves. Endpoint ids are made by hl_endpoint, once per (method, route, version). */
uint32_t hl_endpoint(const char* method, const char* route, const char* version, int deprecated);
void hl_set_endpoint(hl_scope scope, uint32_t endpoint);

/* What a scope is doing: the row of it says what each phase allocated, its peak and its time. Unmarked, it handles. */
typedef enum hl_phase {
  HL_PHASE_READ = 0,
  HL_PHASE_DESERIALIZE = 1,
  HL_PHASE_HANDLE = 2,
  HL_PHASE_SERIALIZE = 3,
  HL_PHASE_SEND = 4
} hl_phase;

/* Mark a phase: from here to hl_leave_phase(scope, what this returned) the scope reads, deserializes or serializes. A
 * phase within another one belongs to that one, except for reading within deserializing. HL_PHASE_SEND holds until the
 * scope ends, and needs no hl_leave_phase. */
int hl_enter_phase(hl_scope scope, hl_phase phase);
void hl_leave_phase(hl_scope scope, int entered);

/* Let this thread's reported blocks be charged to `scope` ({0, 0}: to the service); returns what was set before. */
hl_scope hl_enter(hl_scope scope);

/* Report blocks: after they were allocated, before they are freed; size as requested. A reallocation is reported as
 * hl_freed before it and hl_allocated after it (with the old size when it failed): between the two calls nobody else
 * can be handed the address. */
void hl_allocated(const void* block, size_t bytes);
void hl_freed(const void* block);

/* Charge a live block to a scope from here on. 1 if it was known, else 0. */
int hl_adopt(const void* block, hl_scope scope);

/* Exact while nobody allocates. */
hl_books hl_read_books(void);
hl_scope_memory hl_read_scope(hl_scope scope);

/* Move what ended scopes left behind to their endpoints' tenured owners, all at once (it happens by itself in steps).
 */
void hl_tenure(void);

/* Close the books for good: audit, last sample, file complete. */
void hl_freeze(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HEAPLEDGER_HEAPLEDGER_H */
