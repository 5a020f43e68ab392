// nearest and nearest_route: what was probably meant, and silence where nothing is near.
#include "analysis/nearest.h"

#include <gtest/gtest.h>

namespace heapledger::analysis {
namespace {

const std::vector<std::string> kNames{"run", "requests", "report", "doctor", "--quiet", "--max-size"};
const std::vector<std::string> kRoutes{
    "/health", "/orders", "/orders/{order_id}", "/orders/<int:id>/items", "/v2/orders/export", "<unmatched>"};

TEST(Nearest, FindsTheNearMiss) {
  EXPECT_EQ(nearest("requsts", kNames), "requests");
  EXPECT_EQ(nearest("rnu", kNames), "run");
  EXPECT_EQ(nearest("reprot", kNames), "report");
  EXPECT_EQ(nearest("--quite", kNames), "--quiet");
  EXPECT_EQ(nearest("--maxsize", kNames), "--max-size");
  EXPECT_EQ(nearest("run", kNames), "run");
}

TEST(Nearest, IsSilentWhereNoneIsNear) {
  EXPECT_EQ(nearest("", kNames), "");
  EXPECT_EQ(nearest("zzzz", kNames), "");
  EXPECT_EQ(nearest("leaks", kNames), "");
  EXPECT_EQ(nearest(std::string(1'000'000, 'r'), kNames), "");
  EXPECT_EQ(nearest("run", {}), "");
}

TEST(NearestRoute, FindsTheTemplateOfAPath) {
  EXPECT_EQ(nearest_route("/orders/42", kRoutes), "/orders/{order_id}");
  EXPECT_EQ(nearest_route("/orders/an-id-longer-than-the-whole-template/items", kRoutes), "/orders/<int:id>/items");
  EXPECT_EQ(nearest_route("GET /orders/42?page=2", kRoutes), "/orders/{order_id}");
}

TEST(NearestRoute, FindsTheNearMiss) {
  EXPECT_EQ(nearest_route("/ordres", kRoutes), "/orders");
  EXPECT_EQ(nearest_route("orders", kRoutes), "/orders");
  EXPECT_EQ(nearest_route("/orders/", kRoutes), "/orders");
  EXPECT_EQ(nearest_route("/orders/{id}", kRoutes), "/orders/{order_id}");
  EXPECT_EQ(nearest_route("/v3/order/export", kRoutes), "/v2/orders/export");
}

TEST(NearestRoute, IsSilentWhereNoneIsNear) {
  EXPECT_EQ(nearest_route("", kRoutes), "");
  EXPECT_EQ(nearest_route("?", kRoutes), "");
  EXPECT_EQ(nearest_route("/customers/invoices", kRoutes), "");
  EXPECT_EQ(nearest_route("/" + std::string(1'000'000, 'r'), kRoutes), "");
  EXPECT_EQ(nearest_route("/orders", {}), "");
}

TEST(NearestRoute, DoesNotTakeATemplateOfNothingButParametersForAnswer) {
  EXPECT_EQ(nearest_route("/ordres", {"/{page}", "/orders"}), "/orders");
  EXPECT_EQ(nearest_route("orders", {"<other>", "/orders"}), "/orders");
  EXPECT_EQ(nearest_route("/something/else", {"/{first}/{second}"}), "");
}

TEST(NearestRoute, TakesAnEmptySegmentForNoParameter) { EXPECT_EQ(nearest_route("/a/", {"/a/{anything_at_all}"}), ""); }

}  // namespace
}  // namespace heapledger::analysis
