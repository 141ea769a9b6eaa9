#pragma once

#include <vector>

#include "common/sqlite/node_file.h"
#include "common/store/owner_sql.h"
#include "common/store/owner_store.h"

namespace spillway::store {

// The loss ledger in an owner's file: a row for each class, cause and period. So many rows at most,
// the oldest periods melting into the next; no count is lost. What writes belongs between begin and
// commit.
Status lose(const sqlite::NodeFile& file, const OwnerStatements& sql, const LossRow& row);
// Counts what was lost at an instant; does nothing when `count` is 0.
Status lose(const sqlite::NodeFile& file, const OwnerStatements& sql, DataClass data,
            LossCause cause, NodeTime at, std::uint64_t count);
// What a batch says of losses and of samples.
Status note_losses(sqlite::NodeFile& file, const OwnerStatements& sql, const Batch& batch);
Result<std::vector<LossRow>> read_losses(const OwnerStatements& sql);
// Tasks that went with damaged files; at least so many.
Result<std::uint64_t> lost_to_damage(const OwnerStatements& sql);

}  // namespace spillway::store
