// The model behind the exported functions of host.h, for Verilator. vw_config.h is generated: VW_PORTS(X) lists
// X(name, field, isOutput, width); VW_ARRAYS(X) lists X(scope, name, field, width, ranges), the public arrays of several
// dimensions, which Verilator leaves out of its own table; VW_CLOCK is the clock's field, where there is one.
#include "host.h"
#include "Vtop.h"
#include "Vtop__Syms.h"
#include "vw_config.h"
#include "verilated_syms.h"
#if VM_TRACE_VCD
#include "verilated_vcd_c.h"
#endif
#include <string>

static VerilatedContext* context;
static Vtop* model;
static uint64_t cycleStart; // time of the last rising edge
static uint64_t extraEvals; // evaluations since then
static std::string description;

#if VM_TRACE_VCD
class HostFile final : public VerilatedVcdFile {
  public:
    bool open(const std::string&) override { return true; }
    void close() override {}
    ssize_t write(const char* data, ssize_t bytes) override {
        vwHostTrace(data, bytes);
        return bytes;
    }
};
static HostFile traceFile;
static VerilatedVcdC* trace;
static uint64_t dumped; // time of the last entry
#endif

void vl_fatal(const char* file, int line, const char*, const char* message) {
    vwHostFatal(file ? file : "", line, message);
    __builtin_trap();
}
void vl_stop(const char* file, int line, const char* hier) { vl_fatal(file, line, hier, "Verilog $stop"); }
void vl_finish(const char*, int, const char*) { context->gotFinish(true); }

static void settle(uint64_t time) {
    context->time(time);
    model->eval();
#if VM_TRACE_VCD
    if (trace && time > dumped) trace->dump(dumped = time);
#endif
}

static void quoted(const char* text) {
    description += '"';
    for (; *text; ++text) {
        if (*text == '"' || *text == '\\') description += '\\';
        description += *text;
    }
    description += '"';
}

static void field(const char* key, uint64_t value) {
    description += ",\"";
    description += key;
    description += "\":";
    description += std::to_string(value);
}

static void describePort(const char* name, const void* at, int isOutput, int width) {
    description += description.back() == '[' ? "{\"name\":" : ",{\"name\":";
    quoted(name);
    field("output", isOutput);
    field("width", width);
    field("address", reinterpret_cast<uintptr_t>(at));
    description += '}';
}

static void describeSignal(const char* scope, const char* name, const void* at, int width, const std::string& ranges) {
    description += description.back() == '[' ? "{\"scope\":" : ",{\"scope\":";
    quoted(scope);
    description += ",\"name\":";
    quoted(name);
    field("width", width);
    field("address", reinterpret_cast<uintptr_t>(at));
    description += ",\"ranges\":[" + ranges + "]}";
}

static void describeScope(const VerilatedScope& scope) {
    if (!scope.varsp()) return;
    for (const auto& entry : *scope.varsp()) {
        const VerilatedVar& variable = entry.second;
        if (variable.isParam()) continue;
        std::string ranges;
        for (int d = 1; d <= variable.udims(); ++d) {
            ranges += d > 1 ? ",[" : "[";
            ranges += std::to_string(variable.low(d)) + ',' + std::to_string(variable.high(d)) + ']';
        }
        describeSignal(scope.name(), variable.name(), variable.datap(), variable.packed().elements(), ranges);
    }
}

// Builds the model. randomReset: 0 zeros, 1 ones, 2 random from the seed, for what the Verilog does not initialise.
VW_EXPORT(vw_create) void vwCreate(int seed, int randomReset) {
    context = new VerilatedContext;
    Verilated::threadContextp(context);
    context->randReset(randomReset);
    context->randSeed(seed);
#if VM_TRACE
    context->traceEverOn(true);
#endif
    model = new Vtop{context};
}

// Ports and public signals with their addresses, as JSON.
VW_EXPORT(vw_describe) const char* vwDescribe() {
    description = "{\"ports\":[";
#define VW_DESCRIBE(name, field, isOutput, width) describePort(name, &model->field, isOutput, width);
    VW_PORTS(VW_DESCRIBE)
    description += "],\"signals\":[";
    for (const auto& entry : *context->scopeNameMap()) describeScope(*entry.second);
#define VW_DESCRIBE_ARRAY(scope, name, field, width, ranges) \
    describeSignal(scope, name, &model->rootp->vlSymsp->field, width, ranges);
    VW_ARRAYS(VW_DESCRIBE_ARRAY)
    description += "]}";
    return description.c_str();
}

VW_EXPORT(vw_eval) uint32_t vwEval() {
    if (extraEvals < VW_LOW_UNITS - 1) ++extraEvals;
    settle(cycleStart + extraEvals);
    return vwPages();
}

#ifdef VW_CLOCK
static void cycle() {
    model->VW_CLOCK = 0;
    settle(cycleStart + VW_LOW_UNITS);
    model->VW_CLOCK = 1;
    cycleStart += VW_CYCLE_UNITS;
    settle(cycleStart);
    extraEvals = 0;
}

VW_EXPORT(vw_tick) uint32_t vwTick() {
    cycle();
    return vwPages();
}

// Runs up to n cycles, fewer when the design calls $finish; returns how many.
VW_EXPORT(vw_run) uint32_t vwRun(uint32_t n) {
    uint32_t done = 0;
    while (done < n && !context->gotFinish()) {
        cycle();
        ++done;
    }
    return done;
}
#endif

VW_EXPORT(vw_finished) int vwFinished() { return context->gotFinish(); }

#if VM_TRACE_VCD
VW_EXPORT(vw_trace_start) void vwTraceStart() {
    trace = new VerilatedVcdC{&traceFile};
    model->trace(trace, 99);
    trace->open("host");
    trace->dump(dumped = cycleStart + extraEvals);
}

VW_EXPORT(vw_trace_stop) void vwTraceStop() {
    trace->close();
    delete trace;
    trace = nullptr;
}
#endif

// The standard library registers destructors of thread-local objects here; an instance is dropped whole, never run down.
extern "C" int __cxa_thread_atexit(void (*)(void*), void*, void*) { return 0; }
