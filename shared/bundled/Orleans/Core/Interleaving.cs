namespace Orleans.Concurrency;

/// <summary>Calls of the method start at once, between the turns of whatever the grain is busy with.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AlwaysInterleaveAttribute : Attribute;

/// <summary>All calls of the grain class may interleave at their awaits (still one thread at a time).</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ReentrantAttribute : Attribute;
