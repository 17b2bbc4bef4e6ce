// What stands before main on a Cortex-M that QEMU simulates: stack, floating point, and standard input and output by semihosting.
#include <cstdint>
#include <cstdlib>

int main();
extern "C" {
extern std::uint32_t __bss_start__, __bss_end__, __stack;
void initialise_monitor_handles();

void reset() {
  *reinterpret_cast<volatile std::uint32_t*>(0xE000ED88) |= 0xF << 20;  // CPACR: the floating point unit may be used
  asm volatile("dsb\n isb");
  for (std::uint32_t* word = &__bss_start__; word < &__bss_end__; ++word) *word = 0;
  initialise_monitor_handles();
  std::exit(main());
}

[[noreturn]] void fault() {
  for (;;) asm volatile("bkpt 0");
}

__attribute__((section(".vectors"), used)) const void* const vectors[] = {
    &__stack, reinterpret_cast<void*>(reset), reinterpret_cast<void*>(fault), reinterpret_cast<void*>(fault),
};
}
