#include "trt/timing_cache.h"

namespace tensorrt_node::trt {

TimingCacheBlob::TimingCacheBlob() = default;
TimingCacheBlob::TimingCacheBlob(const TimingCacheBlob&) = default;
TimingCacheBlob::TimingCacheBlob(TimingCacheBlob&&) noexcept = default;
TimingCacheBlob& TimingCacheBlob::operator=(const TimingCacheBlob&) = default;
TimingCacheBlob& TimingCacheBlob::operator=(TimingCacheBlob&&) noexcept = default;
TimingCacheBlob::~TimingCacheBlob() = default;

TimingCacheRequest::TimingCacheRequest() = default;
TimingCacheRequest::TimingCacheRequest(const TimingCacheRequest&) = default;
TimingCacheRequest::TimingCacheRequest(TimingCacheRequest&&) noexcept = default;
TimingCacheRequest::~TimingCacheRequest() = default;

TimingCacheJob::TimingCacheJob() = default;
TimingCacheJob::TimingCacheJob(TimingCacheJob&&) noexcept = default;
TimingCacheJob::~TimingCacheJob() = default;

TimingCacheOutcome::TimingCacheOutcome() = default;
TimingCacheOutcome::TimingCacheOutcome(TimingCacheOutcome&&) noexcept = default;
TimingCacheOutcome& TimingCacheOutcome::operator=(TimingCacheOutcome&&) noexcept = default;
TimingCacheOutcome::~TimingCacheOutcome() = default;

}  // namespace tensorrt_node::trt
