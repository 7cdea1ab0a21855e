#include "trt/build.h"

namespace tensorrt_node::trt {

ShapeRange::ShapeRange() = default;
ShapeRange::ShapeRange(const ShapeRange&) = default;
ShapeRange::ShapeRange(ShapeRange&&) noexcept = default;
ShapeRange& ShapeRange::operator=(const ShapeRange&) = default;
ShapeRange& ShapeRange::operator=(ShapeRange&&) noexcept = default;
ShapeRange::~ShapeRange() = default;

TensorRequest::TensorRequest() = default;
TensorRequest::TensorRequest(const TensorRequest&) = default;
TensorRequest::TensorRequest(TensorRequest&&) noexcept = default;
TensorRequest& TensorRequest::operator=(const TensorRequest&) = default;
TensorRequest& TensorRequest::operator=(TensorRequest&&) noexcept = default;
TensorRequest::~TensorRequest() = default;

SettingValue::SettingValue() = default;
SettingValue::SettingValue(const SettingValue&) = default;
SettingValue::SettingValue(SettingValue&&) noexcept = default;
SettingValue& SettingValue::operator=(const SettingValue&) = default;
SettingValue& SettingValue::operator=(SettingValue&&) noexcept = default;
SettingValue::~SettingValue() = default;

BuildRequest::BuildRequest() = default;
BuildRequest::BuildRequest(const BuildRequest&) = default;
BuildRequest::BuildRequest(BuildRequest&&) noexcept = default;
BuildRequest::~BuildRequest() = default;

BuildObserver::BuildObserver() = default;
BuildObserver::~BuildObserver() = default;
void BuildObserver::OnTimingCache(const std::uint8_t* /*data*/, std::size_t /*size*/) {}
void BuildObserver::OnLayers(const char* /*text*/) noexcept {}

}  // namespace tensorrt_node::trt
