namespace Secrets.Application.Common;

/// <summary>A field of a partial update: omitted, null, or a value.</summary>
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

    /// <summary>The value; null: the field was omitted or null.</summary>
    public T? Value { get; }

    /// <summary>For a field that null clears: the given value or null; <paramref name="current"/> if omitted.</summary>
    public T? Else(T? current) => IsGiven ? Value : current;

    /// <summary>A field that was given.</summary>
    public static implicit operator Optional<T>(T? value) => new(value);
}

/// <summary>Helpers that need no type argument.</summary>
public static class Optional
{
    /// <summary>Whether a type is an <see cref="Optional{T}"/> of something.</summary>
    public static bool Is(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Optional<>);
}
