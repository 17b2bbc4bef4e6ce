// Segments one image on a microcontroller, or on the computer that it was built on, and prints the mask as text.
//
//     g++ -std=c++17 -O2 -I FOLDER -I . main.cpp -o micro     FOLDER: where generate.py wrote network.hpp
//     ./micro < image.pgm                                     binary PGM (grey) or PPM (colour) of 8 bits, of the network's size
//
// On a board, read_image is what changes: fill the array from its camera.
#include <cstdio>

#include "engine.hpp"
#include "network.hpp"

namespace {

float arena[kArenaFloats];
std::uint8_t image[kHeight * kWidth * kChannels];  // rows of pixels, the channels of a pixel beside each other
std::uint8_t classes[kHeight * kWidth];

// The next number of a header of PGM or PPM, behind white space and comments; -1 if there is none.
int read_number(std::FILE* file) {
  int sign = std::fgetc(file);
  while (sign == ' ' || sign == '\t' || sign == '\n' || sign == '\r' || sign == '#') {
    if (sign == '#')
      while (sign != '\n' && sign != EOF) sign = std::fgetc(file);
    sign = std::fgetc(file);
  }
  int number = -1;
  for (; sign >= '0' && sign <= '9'; sign = std::fgetc(file)) {
    number = (number < 0 ? 0 : number) * 10 + (sign - '0');
    if (number > 1 << 20) return -1;
  }
  return number;  // the one sign of white space behind it has been read
}

// Says what is wrong, and returns false, if there is no image of the network's size and channels.
bool read_image(std::FILE* file) {
  const char expected = kChannels == 3 ? '6' : '5';
  if (std::fgetc(file) != 'P' || std::fgetc(file) != expected) {
    std::fprintf(stderr, "micro: standard input: expected a binary %s, P%c\n", kChannels == 3 ? "PPM" : "PGM", expected);
    return false;
  }
  const int width = read_number(file), height = read_number(file), white = read_number(file);
  if (width != kWidth || height != kHeight || white != 255) {
    std::fprintf(stderr, "micro: standard input: %d x %d px up to %d, expected %d x %d px up to 255; scale the image\n", width,
                 height, white, kWidth, kHeight);
    return false;
  }
  const std::size_t n_read = std::fread(image, 1, sizeof image, file);
  if (n_read < sizeof image) {
    std::fprintf(stderr, "micro: standard input: ends after %lu of %lu bytes of pixels; copy the image again\n",
                 static_cast<unsigned long>(n_read), static_cast<unsigned long>(sizeof image));
    return false;
  }
  return true;
}

// From the image to the class of each of its pixels. The network pads: its own sides may be a little longer.
void segment() {
  float* to = engine::input(kNetwork, arena);
  for (int c = 0; c < kChannels; ++c)
    for (int y = 0; y < kInputHeight; ++y)
      for (int x = 0; x < kInputWidth; ++x) {
        const int row = y < kHeight ? y : kHeight - 1, column = x < kWidth ? x : kWidth - 1;
        *to++ = (static_cast<float>(image[(row * kWidth + column) * kChannels + c]) - kMean[c]) / kStd[c];
      }
  engine::run(kNetwork, arena);
  const float* logits = engine::output(kNetwork, arena);
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      int best = 0;
      for (int k = 1; k < kClasses; ++k)
        if (logits[(k * kInputHeight + y) * kInputWidth + x] > logits[(best * kInputHeight + y) * kInputWidth + x]) best = k;
      classes[y * kWidth + x] = static_cast<std::uint8_t>(best);
    }
}

// One letter a pixel: '.' for the first class, then a, b, c and so on; behind it what they mean, and how many pixels they have.
void print_mask() {
  static char line[kWidth + 1];
  unsigned counts[kClasses] = {};
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const int k = classes[y * kWidth + x];
      line[x] = k == 0 ? '.' : static_cast<char>(k <= 26 ? 'a' + k - 1 : '?');
      ++counts[k];
    }
    std::puts(line);
  }
  for (int k = 0; k < kClasses; ++k)
    std::printf("%c %s %u\n", k == 0 ? '.' : k <= 26 ? 'a' + k - 1 : '?', kNames[k], counts[k]);
}

}  // namespace

int main() {
  if (!read_image(stdin)) return 2;
  segment();
  print_mask();
  return 0;
}
