// What the JavaScript side offers (imports) and what it calls (exports); the same for every engine.
#pragma once
#include <cstddef>
#include <cstdint>

#define VW_EXPORT(name) extern "C" __attribute__((export_name(#name)))
#define VW_IMPORT(name) extern "C" __attribute__((import_module("vw"), import_name(#name)))

// A piece of the waveform, in order.
VW_IMPORT(trace) void vwHostTrace(const char* data, size_t bytes);
// A fatal error in the design ($stop, a failed convergence); the host throws and does not return.
VW_IMPORT(fatal) void vwHostFatal(const char* file, int line, const char* message);

// A clock cycle is ten units of time: inputs settle with the clock low at 5, the edge rises at 10. Evaluations that
// the caller makes between cycles are seen at 1 to 4.
constexpr uint64_t VW_CYCLE_UNITS = 10;
constexpr uint64_t VW_LOW_UNITS = 5;

// Memory pages, so that the host sees growth without asking.
inline uint32_t vwPages() { return __builtin_wasm_memory_size(0); }
