#include "analysis/api_version.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace heapledger::analysis {
namespace {

TEST(ApiVersion, IsFoundInTheFirstSegmentsOfARoute) {
  EXPECT_EQ(version_in_route("/v2/orders"), "v2");
  EXPECT_EQ(version_in_route("/api/V2.1/orders"), "v2.1");
  EXPECT_EQ(version_in_route("/api/shop/v3"), "v3");
  EXPECT_EQ(version_in_route("/2024-06-01/orders"), "2024-06-01");
  for (const char* none : {"/orders", "/", "", "/v", "/verbs/2", "/api/shop/eu/v3", "/2024", "/12-34-5678", "v2"}) {
    EXPECT_EQ(version_in_route(none), "") << none;
  }
}

TEST(ApiVersion, RoutesOfTwoVersionsAndFrameworksAreOne) {
  EXPECT_EQ(route_without_version("/v2/orders/{order_id}"), "/orders/{}");
  EXPECT_EQ(route_without_version("/v1/orders/<int:id>/"), "/orders/{}");
  EXPECT_EQ(route_without_version("/api/v1/files/{path:path}"), "/api/files/{}");
  EXPECT_EQ(route_without_version("/v1"), "/");
  EXPECT_EQ(route_without_version("/a-{b}.json"), "/a-{}.json");
  EXPECT_EQ(route_without_version("/open{brace"), "/open{brace");
  EXPECT_EQ(route_without_version("<unmatched>"), "<unmatched>");
  EXPECT_EQ(route_without_version("/v1/v2/orders"), "/v2/orders");
}

TEST(ApiVersion, OrderIsByNumber) {
  const std::vector<std::string> sorted{"", "2024-06", "2025-01", "v1", "v1.9", "v1.10", "v2", "v10"};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t j = 0; j < sorted.size(); ++j) {
      EXPECT_EQ(is_earlier_version(sorted[i], sorted[j]), i < j) << sorted[i] << " " << sorted[j];
    }
  }
  EXPECT_FALSE(is_earlier_version("v01", "v1"));
  EXPECT_FALSE(is_earlier_version("v1", "v01"));
}

}  // namespace
}  // namespace heapledger::analysis
