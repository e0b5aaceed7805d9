"""The few numbers that this project is about. Change one, then run ``assetflow plan``."""

#: A flight counts as on time up to this many minutes after schedule; the US authorities use 15.
ON_TIME_MINUTES = 15

#: Carriers and airports with fewer departures than this are left out of rankings.
ENOUGH_DEPARTURES = 500

#: Hourly rain above this many inches counts as wet.
WET_INCHES = 0.01
