"""Fields that get their values by themselves: computed in the save, and anew where another record's change asks it."""
