/* The numbers of kin's own network as the program holds them: the file beside this one, byte by byte (cli/kin_network.h). */
#if defined(__APPLE__)
#define BEGIN _kin_network_file
#define END _kin_network_file_end
        .const_data
#else
#define BEGIN kin_network_file
#define END kin_network_file_end
        .section .rodata
        .type BEGIN, %object
#endif
        .globl BEGIN
        .globl END
#if !defined(__APPLE__)
        .hidden BEGIN
        .hidden END
#endif
        .balign 16
BEGIN:
        .incbin "models/default/kin.safetensors"
END:
        .byte 0
#if !defined(__APPLE__)
        .size BEGIN, END - BEGIN
        .section .note.GNU-stack,"",%progbits
#endif
