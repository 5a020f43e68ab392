// Marks what the preload library and the extension may call in the engine's shared library; all else is hidden.
#pragma once

#define HL_EXPORT __attribute__((visibility("default")))
#define HL_NOINLINE __attribute__((noinline))
#define HL_LIKELY(x) __builtin_expect(!!(x), 1)
#define HL_UNLIKELY(x) __builtin_expect(!!(x), 0)
