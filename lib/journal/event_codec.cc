#include "lib/journal/event_codec.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "absl/time/time.h"
#include "lib/base/bytes.h"
#include "lib/event/event_type.h"

namespace nerava::analytics {
namespace {

// Changes when the lists below do.
constexpr std::uint64_t kEncoding = 1;

// The order in which they are stored.
constexpr std::array<std::string AnalyticsEvent::*, 10> kTexts = {
    &AnalyticsEvent::event_id, kTypeName,
    &AnalyticsEvent::region,   &AnalyticsEvent::session_id,
    &AnalyticsEvent::user_id,  &AnalyticsEvent::aggregate_id,
    &AnalyticsEvent::hub_id,   &AnalyticsEvent::window_id,
    &AnalyticsEvent::fields,   &AnalyticsEvent::properties,
};
constexpr std::array<std::optional<std::int64_t> AnalyticsEvent::*, 6> kAmounts = {
    &AnalyticsEvent::energy_mwh,
    &AnalyticsEvent::grid_reward_microusd,
    &AnalyticsEvent::merchant_reward_microusd,
    &AnalyticsEvent::total_reward_microusd,
    &AnalyticsEvent::amount_cents,
    &AnalyticsEvent::new_balance_cents,
};

absl::Status NoEvent() { return absl::DataLossError("the record holds no event of this version"); }

}  // namespace

void EncodeEvent(const AnalyticsEvent& event, std::string* out) {
  std::size_t size = 64;
  for (const auto text : kTexts) size += TextOf(event, text).size() + 2;
  out->reserve(out->size() + size);

  AppendVarint(kEncoding, out);
  AppendSigned(event.version, out);
  AppendSigned(absl::ToUnixMicros(event.time), out);
  for (const auto text : kTexts) {
    AppendVarint(TextOf(event, text).size(), out);
    out->append(TextOf(event, text));
  }
  std::uint64_t present = 0;
  for (std::size_t i = 0; i < kAmounts.size(); ++i) {
    if ((event.*kAmounts[i]).has_value()) present |= std::uint64_t{1} << i;
  }
  AppendVarint(present, out);
  for (const auto amount : kAmounts) {
    if ((event.*amount).has_value()) AppendSigned(*(event.*amount), out);
  }
}

absl::StatusOr<AnalyticsEvent> DecodeEvent(std::string_view bytes) {
  ByteReader reader(bytes);
  AnalyticsEvent event;
  std::uint64_t encoding = 0;
  std::int64_t version = 0;
  std::int64_t micros = 0;
  if (!reader.Varint(&encoding) || encoding != kEncoding || !reader.Signed(&version) ||
      !reader.Signed(&micros)) {
    return NoEvent();
  }
  if (version < std::numeric_limits<std::int32_t>::min() ||
      version > std::numeric_limits<std::int32_t>::max()) {
    return NoEvent();
  }
  event.version = static_cast<std::int32_t>(version);
  event.time = absl::FromUnixMicros(micros);
  for (const auto text : kTexts) {
    std::string_view value;
    if (!reader.Text(&value)) return NoEvent();
    SetText(text, value, &event);
  }
  std::uint64_t present = 0;
  if (!reader.Varint(&present) || present >> kAmounts.size() != 0) return NoEvent();
  for (std::size_t i = 0; i < kAmounts.size(); ++i) {
    if ((present >> i & 1) == 0) continue;
    std::int64_t amount = 0;
    if (!reader.Signed(&amount)) return NoEvent();
    event.*kAmounts[i] = amount;
  }
  if (!reader.empty()) return NoEvent();
  return event;
}

}  // namespace nerava::analytics
