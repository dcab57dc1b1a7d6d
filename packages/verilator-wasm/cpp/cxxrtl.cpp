// The model behind the exported functions of host.h, for CXXRTL. model.cpp is generated: its top module is vw_top.
// vw_config.h may define VW_CLOCK_NAME, the clock port's name, and VW_TRACE.
#include "host.h"
#include "model.cpp"
#include "vw_config.h"
#if VW_TRACE
#include <cxxrtl/cxxrtl_vcd.h>
#endif
#include <string>

static cxxrtl_design::p_vw__top* model;
static cxxrtl::debug_items items;
static uint32_t* clockPort;
static uint64_t cycleStart; // time of the last rising edge
static uint64_t extraEvals; // evaluations since then
static std::string description;

#if VW_TRACE
static cxxrtl::vcd_writer* trace;
static uint64_t sampled; // time of the last entry

static void sample(uint64_t time) {
    sampled = time;
    trace->sample(time);
    vwHostTrace(trace->buffer.data(), trace->buffer.size());
    trace->buffer.clear();
}
#endif

static void settle(uint64_t time) {
    // Outputs that follow a register combinationally are up to date only after a second step.
    model->step();
    model->step();
#if VW_TRACE
    if (trace && time > sampled) sample(time);
#else
    (void)time;
#endif
}

static void quoted(const std::string& text) {
    description += '"';
    for (char c : text) {
        if (c == '"' || c == '\\') description += '\\';
        description += c;
    }
    description += '"';
}

static void field(const char* key, uint64_t value) {
    description += ",\"";
    description += key;
    description += "\":";
    description += std::to_string(value);
}

static void describe(const std::string& name, const cxxrtl::debug_item& item) {
    description += description.back() == '[' ? "{\"scope\":\"\",\"name\":" : ",{\"scope\":\"\",\"name\":";
    quoted(name);
    field("output", (item.flags & CXXRTL_OUTPUT) ? 1 : 0);
    field("width", item.width);
    field("address", reinterpret_cast<uintptr_t>(item.curr));
    // A register has a second copy, from which the next commit restores the first.
    if (item.type == CXXRTL_WIRE && item.next) field("mirror", reinterpret_cast<uintptr_t>(item.next));
    description += ",\"ranges\":[";
    if (item.type == CXXRTL_MEMORY) {
        description += '[' + std::to_string(item.zero_at) + ',' + std::to_string(item.zero_at + item.depth - 1) + ']';
    }
    description += "]}";
}

VW_EXPORT(vw_create) void vwCreate(int, int) {
    model = new cxxrtl_design::p_vw__top;
    model->debug_info(&items, nullptr, "");
#ifdef VW_CLOCK_NAME
    clockPort = items.table.at(VW_CLOCK_NAME)[0].curr;
#endif
}

VW_EXPORT(vw_describe) const char* vwDescribe() {
    constexpr uint32_t PORT = CXXRTL_INPUT | CXXRTL_OUTPUT;
    description = "{\"ports\":[";
    for (const auto& entry : items.table) {
        const cxxrtl::debug_item& item = entry.second[0];
        if (entry.first.find(' ') == std::string::npos && (item.flags & PORT)) describe(entry.first, item);
    }
    description += "],\"signals\":[";
    for (const auto& entry : items.table) {
        const cxxrtl::debug_item& item = entry.second[0];
        if (entry.first.find('$') != std::string::npos) continue; // made by Yosys
        const bool inner = entry.first.find(' ') != std::string::npos || !(item.flags & PORT);
        if (inner && item.type != CXXRTL_OUTLINE && entry.second.size() == 1) describe(entry.first, item);
    }
    description += "]}";
    return description.c_str();
}

VW_EXPORT(vw_eval) uint32_t vwEval() {
    if (extraEvals < VW_LOW_UNITS - 1) ++extraEvals;
    settle(cycleStart + extraEvals);
    return vwPages();
}

#ifdef VW_CLOCK_NAME
static void cycle() {
    *clockPort = 0;
    settle(cycleStart + VW_LOW_UNITS);
    *clockPort = 1;
    cycleStart += VW_CYCLE_UNITS;
    settle(cycleStart);
    extraEvals = 0;
}

VW_EXPORT(vw_tick) uint32_t vwTick() {
    cycle();
    return vwPages();
}

VW_EXPORT(vw_run) uint32_t vwRun(uint32_t n) {
    for (uint32_t i = 0; i < n; ++i) cycle();
    return n;
}
#endif

// CXXRTL has no $finish.
VW_EXPORT(vw_finished) int vwFinished() { return 0; }

#if VW_TRACE
VW_EXPORT(vw_trace_start) void vwTraceStart() {
    trace = new cxxrtl::vcd_writer;
    trace->timescale(1, "ns");
    trace->add_without_memories(items);
    sample(cycleStart + extraEvals);
}

VW_EXPORT(vw_trace_stop) void vwTraceStop() {
    delete trace;
    trace = nullptr;
}
#endif

// The standard library registers destructors of thread-local objects here; an instance is dropped whole, never run down.
extern "C" int __cxa_thread_atexit(void (*)(void*), void*, void*) { return 0; }
