// Runs a network that generate.py wrote as arrays: float32, one image, no heap, no operating system.
//
// All intermediate results lie in one arena, whose size and places generate.py has planned; weights stay where they are, in
// flash. A step may write where one of its operands lies: planned in plan.py, and allowed for where it is computed. Shapes are (N, C, H, W) with N = 1 for images. What each step computes is what ONNX says of the operator of its name.
#pragma once
#include <cstddef>
#include <cstdint>

enum class Op : std::uint8_t { Add, Sub, Mul, Div, Neg, Reciprocal, Relu, Conv, ConvTranspose, MatMul, Crop, Paste };

// A tensor. offset: in floats, into the weights or the arena.
struct Place {
  std::int32_t offset;
  bool in_weights;
  std::int16_t shape[4];
};

// in: places, -1 for none.  groups, stride, dilation, pad (above and left of the image): of convolutions alone.  start: where the
// smaller tensor begins in the larger one, of Crop (a part of its operand) and Paste (into a part of its result) alone.
struct Step {
  Op op;
  std::int16_t in[3];
  std::int16_t out;
  std::int16_t groups, stride[2], dilation[2], pad[2], start[4];
};

struct Network {
  const float* weights;
  const Place* places;
  const Step* steps;
  int n_steps;
  int input, output;  // places
  int scratch;        // where in the arena, in floats, a step may keep what it is about to overwrite
};

namespace engine {

// Where a tensor lies, with its shape. step[k] moves by one along axis k, by nothing where the tensor is broadcast.
struct View {
  float* data;
  const std::int16_t* shape;
  std::ptrdiff_t step[4];
};

inline View view(const Network& network, float* arena, int place) {
  const Place& where = network.places[place];
  // Weights are only ever read: no step writes to a place that is in_weights.
  float* begin = where.in_weights ? const_cast<float*>(network.weights) : arena;
  View made{begin + where.offset, where.shape, {}};
  std::ptrdiff_t step = 1;
  for (int axis = 3; axis >= 0; step *= where.shape[axis--]) made.step[axis] = where.shape[axis] == 1 ? 0 : step;
  return made;
}

inline float apply(Op op, float a, float b) {
  switch (op) {
    case Op::Add: return a + b;
    case Op::Sub: return a - b;
    case Op::Mul: return a * b;
    case Op::Div: return a / b;
    case Op::Neg: return -a;
    case Op::Reciprocal: return 1.0f / a;
    default: return a > 0.0f ? a : 0.0f;  // Relu
  }
}

// Element by element; the result may lie where an operand of the same size lies.
inline void pointwise(Op op, const View& a, const View& b, const View& out) {
  float* to = out.data;
  for (int n = 0; n < out.shape[0]; ++n)
    for (int c = 0; c < out.shape[1]; ++c)
      for (int y = 0; y < out.shape[2]; ++y) {
        const float* from_a = a.data + n * a.step[0] + c * a.step[1] + y * a.step[2];
        const float* from_b = b.data + n * b.step[0] + c * b.step[1] + y * b.step[2];
        for (int x = 0; x < out.shape[3]; ++x, from_a += a.step[3], from_b += b.step[3]) *to++ = apply(op, *from_a, *from_b);
      }
}

// What lies from `start` on in the larger of two tensors becomes the smaller one, or the other way round.
inline void copy(const View& large, const View& small, const std::int16_t* start, bool paste) {
  const std::ptrdiff_t rows = large.shape[2], columns = large.shape[3];
  float* b = small.data;
  for (int n = 0; n < small.shape[0]; ++n)
    for (int c = 0; c < small.shape[1]; ++c)
      for (int y = 0; y < small.shape[2]; ++y) {
        const std::ptrdiff_t plane = (start[0] + n) * large.shape[1] + start[1] + c;
        float* a = large.data + (plane * rows + start[2] + y) * columns + start[3];
        for (int x = 0; x < small.shape[3]; ++x, ++a, ++b) *(paste ? a : b) = *(paste ? b : a);
      }
}

// Plane by plane, each in the scratch first.
inline void matmul(const View& a, const View& b, const View& out, float* scratch) {
  const int inner = a.shape[3], height = out.shape[2], width = out.shape[3];
  float* plane = out.data;
  for (int n = 0; n < out.shape[0]; ++n)
    for (int c = 0; c < out.shape[1]; ++c, plane += height * width) {
      const float* left = a.data + n * a.step[0] + c * a.step[1];
      const float* right = b.data + n * b.step[0] + c * b.step[1];
      for (int y = 0; y < height; ++y) {
        float* to = scratch + y * width;
        for (int x = 0; x < width; ++x) to[x] = 0.0f;
        for (int k = 0; k < inner; ++k) {
          const float factor = left[y * a.step[2] + k * a.step[3]];
          for (int x = 0; x < width; ++x) to[x] += factor * right[k * b.step[2] + x * b.step[3]];
        }
      }
      for (int i = 0; i < height * width; ++i) plane[i] = scratch[i];
    }
}

// A convolution with a kernel of 1 x 1: pixel by pixel, whose channels go to the scratch first.
inline void mix(const View& in, const View& kernel, const float* bias, const View& out, float* scratch) {
  const int n_in = in.shape[1], n_out = out.shape[1];
  const std::ptrdiff_t plane = in.shape[2] * in.shape[3];
  for (std::ptrdiff_t pixel = 0; pixel < plane; ++pixel) {
    for (int k = 0; k < n_in; ++k) scratch[k] = in.data[k * plane + pixel];
    const float* row = kernel.data;
    for (int c = 0; c < n_out; ++c, row += n_in) {
      float sum = bias ? bias[c] : 0.0f;
      for (int k = 0; k < n_in; ++k) sum += row[k] * scratch[k];
      out.data[c * plane + pixel] = sum;
    }
  }
}

// Adds, to every pixel of one plane, what a kernel says of another: gathered (Conv), or scattered (ConvTranspose).
inline void accumulate(const Step& step, const View& kernel, const float* taps, const float* from, const std::int16_t* from_shape,
                       float* to, const std::int16_t* to_shape, bool scatter) {
  const std::int16_t* coarse = scatter ? from_shape : to_shape;  // the side whose pixels are a stride apart in the other one
  const std::int16_t* fine = scatter ? to_shape : from_shape;
  for (int v = 0; v < kernel.shape[2]; ++v)
    for (int u = 0; u < kernel.shape[3]; ++u) {
      const float tap = taps[v * kernel.shape[3] + u];
      for (int y = 0; y < coarse[2]; ++y) {
        const int fine_y = y * step.stride[0] + v * step.dilation[0] - step.pad[0];
        if (fine_y < 0 || fine_y >= fine[2]) continue;
        for (int x = 0; x < coarse[3]; ++x) {
          const int fine_x = x * step.stride[1] + u * step.dilation[1] - step.pad[1];
          if (fine_x < 0 || fine_x >= fine[3]) continue;
          const int at_coarse = y * coarse[3] + x, at_fine = fine_y * fine[3] + fine_x;
          if (scatter) to[at_fine] += tap * from[at_coarse];
          else to[at_coarse] += tap * from[at_fine];
        }
      }
    }
}

// Conv: kernel (out, in / groups, v, u).  ConvTranspose: kernel (in, out / groups, v, u).
inline void convolution(const Step& step, const View& in, const View& kernel, const float* bias, const View& out) {
  const bool transposed = step.op == Op::ConvTranspose;
  const int n_in = in.shape[1] / step.groups, n_out = out.shape[1] / step.groups;
  const std::ptrdiff_t in_plane = in.shape[2] * in.shape[3], out_plane = out.shape[2] * out.shape[3];
  const std::ptrdiff_t n_taps = kernel.shape[2] * kernel.shape[3];
  for (int c = 0; c < out.shape[1]; ++c) {
    const int group = c / n_out;
    float* to = out.data + c * out_plane;
    for (std::ptrdiff_t pixel = 0; pixel < out_plane; ++pixel) to[pixel] = bias ? bias[c] : 0.0f;
    for (int k = 0; k < n_in; ++k) {
      const int from = group * n_in + k;
      const std::ptrdiff_t which = transposed ? from * n_out + c % n_out : c * n_in + k;
      accumulate(step, kernel, kernel.data + which * n_taps, in.data + from * in_plane, in.shape, to, out.shape, transposed);
    }
  }
}

// Where to put the normalised image, and where the logits are after run.
inline float* input(const Network& network, float* arena) { return view(network, arena, network.input).data; }
inline const float* output(const Network& network, float* arena) { return view(network, arena, network.output).data; }

inline bool is_mix(const Step& step, const View& in, const View& kernel, const View& out) {
  return step.op == Op::Conv && step.groups == 1 && kernel.shape[2] * kernel.shape[3] == 1 && step.pad[0] == 0 &&
         step.pad[1] == 0 && in.shape[2] == out.shape[2] && in.shape[3] == out.shape[3];
}

inline void run(const Network& network, float* arena) {
  float* scratch = arena + network.scratch;
  for (int number = 0; number < network.n_steps; ++number) {
    const Step& step = network.steps[number];
    const View a = view(network, arena, step.in[0]);
    const View b = step.in[1] < 0 ? a : view(network, arena, step.in[1]);
    const View out = view(network, arena, step.out);
    const float* bias = step.in[2] < 0 ? nullptr : view(network, arena, step.in[2]).data;
    if (step.op == Op::MatMul) matmul(a, b, out, scratch);
    else if (step.op == Op::Crop) copy(a, out, step.start, false);
    else if (step.op == Op::Paste) copy(out, a, step.start, true);
    else if (step.op != Op::Conv && step.op != Op::ConvTranspose) pointwise(step.op, a, b, out);
    else if (is_mix(step, a, b, out)) mix(a, b, bias, out, scratch);
    else convolution(step, a, b, bias, out);
  }
}

}  // namespace engine
