// Reading what an earlier version wrote, before some tables and columns were there: a schema only ever gains.
//
// What is absent is put in front of the file for this connection alone (temporary tables and views, in memory): a table
// without rows; a column as its default, NULL for "not measured". A later table that lacks a column which every row
// needs is read as one without rows. The file is not written. Allocates; one thread at a time a Database.
#pragma once

#include "recording/sqlite.h"

namespace heapledger::recording {

// `reference` holds the schema of now. False: these are not the tables of a recording, of any version.
bool complete_schema(Database& database, Database& reference);

}  // namespace heapledger::recording
