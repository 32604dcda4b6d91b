namespace Secrets.Application.Common;

/// <summary>A field of a partial update: left out, given as null, or given as a value.</summary>
public readonly record struct Optional<T>
{
    /// <summary>A field that was given, null included.</summary>
    public Optional(T? value)
    {
        IsGiven = true;
        Value = value;
    }

    /// <summary>Whether the field was given at all.</summary>
    public bool IsGiven { get; }

    /// <summary>What was given; null when the field was left out or given as null.</summary>
    public T? Value { get; }

    /// <summary>For a field that null clears: the given value or null; <paramref name="current"/> when left out.</summary>
    public T? Else(T? current) => IsGiven ? Value : current;

    /// <summary>A field that was given.</summary>
    public static implicit operator Optional<T>(T? value) => new(value);
}

/// <summary>What is known of <see cref="Optional{T}"/> without its type argument.</summary>
public static class Optional
{
    /// <summary>Whether a type is an <see cref="Optional{T}"/> of something.</summary>
    public static bool Is(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Optional<>);
}
