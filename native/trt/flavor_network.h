#pragma once

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <string>

#include "trt/build.h"

namespace tensorrt_node::TRT_FLAVOR {

/// What the parser complains of; its texts live as long as the error does.
[[nodiscard]] trt::ParserErrorView ViewOf(const nvonnxparser::IParserError& error) noexcept;
/// The same in one sentence.
[[nodiscard]] std::string ErrorSentence(const trt::ParserErrorView& error);

/// Flags for createNetworkV2: precision is what the graph says, on every flavour alike.
[[nodiscard]] nvinfer1::NetworkDefinitionCreationFlags NetworkFlags() noexcept;

/// Throws Error(kEngineBuild), or kInvalidModel when the file is no ONNX model; details hold every
/// parser error.
void ParseModel(nvonnxparser::IParser& parser, const std::string& path,
                trt::BuildObserver& observer);

/// Tells the observer every input and output.
void ReportTensors(const nvinfer1::INetworkDefinition& network, trt::BuildObserver& observer);

/// "float32", …: the names of src/tensor/dtype.ts.
[[nodiscard]] const char* DTypeName(nvinfer1::DataType type) noexcept;

}  // namespace tensorrt_node::TRT_FLAVOR
